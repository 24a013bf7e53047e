// SPDX-License-Identifier: Apache-2.0

import Configuration
import Foundation
import Logging
import SystemPackage

/// What is wrong with a setting, naming it.
struct ConfigurationError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The settings as given: by flags, the environment and a file, in this order of precedence.
struct Settings: Sendable {
    private let reader: ConfigReader
    private let flags: [String: String]
    /// Variables that look like settings and are none.
    let unknown: [String]

    /// - Parameter flags: by setting name.
    /// - Throws: `ConfigurationError` when the configuration file can't be read.
    init(flags: [String: String] = [:], environment: [String: String] = ProcessInfo.processInfo.environment) async throws {
        self.flags = flags
        let names = Set(Setting.all.map(\.variable))
        self.unknown = environment.keys.filter { $0.hasPrefix("MAGPIE_") && !names.contains($0) }.sorted()
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider(environmentVariables: environment)]
        if let file = flags["CONFIG"] ?? environment["MAGPIE_CONFIG"] {
            do {
                let provider = try await FileProvider<JSONSnapshot>(filePath: FilePath(file))
                providers.append(KeyMappingProvider(upstream: provider) { key in AbsoluteConfigKey(Array(key.components.dropFirst())) })
            } catch {
                throw ConfigurationError("MAGPIE_CONFIG: \(file) can't be read as a JSON object of settings")
            }
        }
        self.reader = ConfigReader(providers: providers)
    }

    /// The value given for a setting, or its default. Nil when there is neither.
    func text(_ name: String) -> String? {
        let given = flags[name] ?? reader.string(forKey: ConfigKey(["magpie", name.lowercased()]), isSecret: true)
        if let given, !given.isEmpty { return given }
        guard let setting = Setting.all.first(where: { $0.name == name }) else { preconditionFailure("no setting \(name)") }
        return setting.fallback.isEmpty ? nil : setting.fallback
    }

    func required(_ name: String) throws -> String {
        guard let value = text(name) else { throw ConfigurationError("MAGPIE_\(name) must be given") }
        return value
    }

    func bytes(_ name: String) throws -> Int64 {
        let text = try required(name)
        guard let value = Quantity.bytes(text) else {
            throw ConfigurationError("MAGPIE_\(name) must be a size such as 50MB or 1GiB, not \(text)")
        }
        return value
    }

    func duration(_ name: String) throws -> Duration {
        let text = try required(name)
        guard let value = Quantity.milliseconds(text), value > 0 else {
            throw ConfigurationError("MAGPIE_\(name) must be a time such as 30s or 6h, not \(text)")
        }
        return .milliseconds(value)
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
        let text = try required(name)
        guard let value = Int(text), range.contains(value) else {
            throw ConfigurationError("MAGPIE_\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
        }
        return value
    }

    func choice<Choice: CaseIterable & RawRepresentable<String>>(_ name: String, of: Choice.Type) throws -> Choice {
        let text = try required(name)
        guard let value = Choice(rawValue: text.lowercased()) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError("MAGPIE_\(name) must be one of \(words), not \(text)")
        }
        return value
    }
}
