// SPDX-License-Identifier: Apache-2.0

/// A setting that can't be used. Never shows the value of a secret.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The variable, or the file, that has to be changed.
    var subject: String
    var reason: String

    init(_ subject: String, _ reason: String) {
        self.subject = subject
        self.reason = reason
    }

    init(_ setting: Setting, _ reason: String) { self.init(setting.name, reason) }

    var description: String { "\(subject): \(reason)" }
}
