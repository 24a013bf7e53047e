// SPDX-License-Identifier: Apache-2.0

import Configuration
import Foundation
import SystemPackage

/// Where values come from: the command line, then the environment, then the file.
struct SettingSources: Sendable {
    /// Values given on the command line, by setting.
    typealias Flags = [Setting: String]

    private let flags: Flags
    private let environment: EnvironmentVariablesProvider
    private let file: File?
    /// Names that look like settings and are none: typing errors, mostly.
    let unknownNames: [String]

    private struct File: Sendable {
        var path: String
        var provider: FileProvider<JSONSnapshot>
    }

    /// Reads the file named by the flags or the environment, if any.
    /// - Throws: `ConfigurationError` when there is none at that place, or it is not a JSON object of settings.
    init(flags: Flags, environment: [String: String]) async throws {
        self.flags = flags
        self.environment = EnvironmentVariablesProvider(environmentVariables: environment)
        let known = Set(Setting.all.map(\.name))
        var unknown = environment.keys.filter { $0.hasPrefix("MAGPIE_") && !known.contains($0) }
        if let path = flags[.configFile] ?? environment[Setting.configFile.name].flatMap({ $0.isEmpty ? nil : $0 }) {
            unknown += try Self.names(inFile: path).filter { !known.contains($0) || $0 == Setting.configFile.name }
            do {
                self.file = File(path: path, provider: try await FileProvider<JSONSnapshot>(filePath: FilePath(path)))
            } catch {
                throw ConfigurationError(path, "can't be read as settings: \(error)")
            }
        } else {
            self.file = nil
        }
        self.unknownNames = unknown.sorted()
    }

    /// The value of a setting as text, without its default. An empty value counts as none.
    /// - Throws: `ConfigurationError` for a value in the file that is neither text nor number.
    func text(_ setting: Setting) throws -> String? {
        if let text = flags[setting] { return text }
        let key = AbsoluteConfigKey([setting.name])
        let lookup: LookupResult
        do {
            lookup = try environment.value(forKey: key, type: .string)
        } catch {
            throw ConfigurationError(setting, "can't be read from the environment")
        }
        if case .string(let text) = lookup.value?.content, !text.isEmpty { return text }
        return try file.flatMap { try text(key, of: setting, in: $0) }
    }

    private func text(_ key: AbsoluteConfigKey, of setting: Setting, in file: File) throws -> String? {
        // A number may be written as one, and the library converts nothing by itself.
        for type in [ConfigType.string, .int, .double] {
            do {
                switch try file.provider.value(forKey: key, type: type).value?.content {
                case .string(let text): return text.isEmpty ? nil : text
                case .int(let number): return String(number)
                case .double(let number): return String(number)
                case nil: return nil
                default: continue
                }
            } catch {
                continue
            }
        }
        throw ConfigurationError(setting, "must be text or a number in \(file.path)")
    }

    private static func names(inFile path: String) throws -> [String] {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            throw ConfigurationError(path, "there is no such configuration file")
        } catch {
            throw ConfigurationError(path, "can't be read as JSON: \(error.localizedDescription)")
        }
        guard let settings = object as? [String: Any] else {
            throw ConfigurationError(path, "must hold a JSON object with settings by name")
        }
        return Array(settings.keys)
    }
}
