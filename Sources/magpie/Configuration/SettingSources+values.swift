// SPDX-License-Identifier: Apache-2.0

/// Values with their defaults applied, checked. Each throws `ConfigurationError` with the setting's name.
extension SettingSources {
    func required(_ setting: Setting) throws -> String {
        guard let text = try text(setting) ?? setting.fallback else { throw ConfigurationError(setting, "must be set") }
        return text
    }

    func integer(_ setting: Setting, in range: ClosedRange<Int>) throws -> Int {
        let text = try required(setting)
        guard let number = Int(text), range.contains(number) else {
            throw ConfigurationError(setting, "must be a whole number from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return number
    }

    func optionalInteger(_ setting: Setting, in range: ClosedRange<Int>) throws -> Int? {
        try text(setting) == nil ? nil : integer(setting, in: range)
    }

    /// - Returns: bytes.
    func size(_ setting: Setting, in range: ClosedRange<Int64>) throws -> Int64 {
        let text = try required(setting)
        guard let bytes = Quantity.bytes(text) else {
            throw ConfigurationError(setting, "must be a size such as 50MB or 1GiB, not \"\(text)\"")
        }
        guard range.contains(bytes) else {
            throw ConfigurationError(setting, "must be from \(range.lowerBound) to \(range.upperBound) bytes, not \"\(text)\"")
        }
        return bytes
    }

    func duration(_ setting: Setting, in range: ClosedRange<Duration>) throws -> Duration {
        let text = try required(setting)
        guard let duration = Quantity.duration(text) else {
            throw ConfigurationError(setting, "must be a duration such as 30s or 6h, not \"\(text)\"")
        }
        guard range.contains(duration) else {
            throw ConfigurationError(setting, "must be from \(range.lowerBound) to \(range.upperBound), not \"\(text)\"")
        }
        return duration
    }

    /// - Parameter parse: nil for a text that is none of `expected`.
    func choice<Value>(_ setting: Setting, _ expected: String, _ parse: (String) -> Value?) throws -> Value {
        let text = try required(setting)
        guard let value = parse(text) else { throw ConfigurationError(setting, "must be \(expected), not \"\(text)\"") }
        return value
    }
}
