// SPDX-License-Identifier: Apache-2.0

import Configuration
import Foundation
import SystemPackage

/// What is wrong with a setting, naming it.
struct ConfigurationError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The settings as given: by flags, the environment and a file, in this order of precedence.
struct Settings: Sendable {
    private let flags: [String: String]
    private let environment: EnvironmentVariablesProvider
    private let file: FileProvider<JSONSnapshot>?
    /// Names that look like settings and are none: typing errors, mostly.
    let unknown: [String]

    /// - Parameter flags: by setting name.
    /// - Throws: `ConfigurationError` when the configuration file can't be read.
    init(flags: [String: String] = [:], environment: [String: String] = ProcessInfo.processInfo.environment) async throws {
        self.flags = flags
        self.environment = EnvironmentVariablesProvider(environmentVariables: environment)
        let names = Set(Setting.all.map(\.variable))
        var unknown = environment.keys.filter { $0.hasPrefix("MAGPIE_") && !names.contains($0) }
        if let path = flags["CONFIG"] ?? environment["MAGPIE_CONFIG"], !path.isEmpty {
            // A file does not name another one.
            let keys = Set(Setting.all.map { $0.name.lowercased() }).subtracting(["config"])
            unknown += try Self.keys(inFile: path).filter { !keys.contains($0) }.map { "\($0) in \(path)" }
            do {
                self.file = try await FileProvider<JSONSnapshot>(filePath: FilePath(path))
            } catch {
                throw ConfigurationError("MAGPIE_CONFIG: \(path) can't be read as settings: \(error)")
            }
        } else {
            self.file = nil
        }
        self.unknown = unknown.sorted()
    }

    private static func keys(inFile path: String) throws -> [String] {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            throw ConfigurationError("MAGPIE_CONFIG: there is no file \(path)")
        } catch {
            throw ConfigurationError("MAGPIE_CONFIG: \(path) can't be read as JSON")
        }
        guard let settings = object as? [String: Any] else {
            throw ConfigurationError("MAGPIE_CONFIG: \(path) must hold a JSON object of settings")
        }
        return Array(settings.keys)
    }

    /// The value given for a setting, or its default. Nil when there is neither; an empty value counts as none.
    /// - Throws: `ConfigurationError` for a value in the file that is neither text nor a number.
    func text(_ name: String) throws -> String? {
        guard let setting = Setting.all.first(where: { $0.name == name }) else { preconditionFailure("no setting \(name)") }
        for given in [flags[name], try environmentText(setting), try fileText(setting)] {
            if let given, !given.isEmpty { return given }
        }
        return setting.fallback.isEmpty ? nil : setting.fallback
    }

    private func environmentText(_ setting: Setting) throws -> String? {
        let value = try environment.value(forKey: AbsoluteConfigKey([setting.variable]), type: .string).value
        guard case .string(let text) = value?.content else { return nil }
        return text
    }

    private func fileText(_ setting: Setting) throws -> String? {
        guard let file else { return nil }
        let key = AbsoluteConfigKey([setting.name.lowercased()])
        // A number may be written as one, and the library turns nothing into text by itself.
        for type in [ConfigType.string, .int, .double] {
            do {
                switch try file.value(forKey: key, type: type).value?.content {
                case nil: return nil
                case .string(let text): return text
                case .int(let number): return String(number)
                case .double(let number): return String(number)
                default: continue
                }
            } catch {
                continue
            }
        }
        throw ConfigurationError("\(setting.variable) must be text or a number in the configuration file")
    }

    func required(_ name: String) throws -> String {
        guard let value = try text(name) else { throw ConfigurationError("MAGPIE_\(name) must be given") }
        return value
    }

    func bytes(_ name: String) throws -> Int64 {
        let text = try required(name)
        guard let value = Quantity.bytes(text) else {
            throw ConfigurationError("MAGPIE_\(name) must be a size such as 50MB or 1GiB, not \(text)")
        }
        return value
    }

    /// Some times are counted in nanoseconds of 64 bits, which last for 292 years.
    static let longest = Duration.seconds(36_500 * 86_400)

    /// - Parameters:
    ///   - least: the shortest time that makes sense.
    ///   - most: the longest.
    func duration(
        _ name: String, atLeast least: Duration = .milliseconds(1), atMost most: Duration = Settings.longest
    ) throws -> Duration {
        let text = try required(name)
        guard let value = Quantity.milliseconds(text), value > 0 else {
            throw ConfigurationError("MAGPIE_\(name) must be a time such as 30s or 6h, not \(text)")
        }
        guard value <= 36_500 * 86_400_000, .milliseconds(value) <= most else {
            let limit = most == Self.longest ? "36500d" : "\(most.components.seconds)s"
            throw ConfigurationError("MAGPIE_\(name) must be at most \(limit), not \(text)")
        }
        guard .milliseconds(value) >= least else {
            throw ConfigurationError("MAGPIE_\(name) must be at least \(least.components.seconds)s, not \(text)")
        }
        return .milliseconds(value)
    }

    /// Nil for `0`, which means without end.
    func durationOrNone(_ name: String, atLeast least: Duration = .milliseconds(1)) throws -> Duration? {
        if Quantity.milliseconds(try required(name)) == 0 { return nil }
        return try duration(name, atLeast: least)
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
        let text = try required(name)
        guard let value = Int(text), range.contains(value) else {
            throw ConfigurationError(
                "MAGPIE_\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
        }
        return value
    }

    func choice<Choice: CaseIterable & RawRepresentable<String>>(_ name: String, of: Choice.Type) throws -> Choice {
        let text = try required(name)
        guard let value = Choice.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError("MAGPIE_\(name) must be one of \(words), not \(text)")
        }
        return value
    }
}
