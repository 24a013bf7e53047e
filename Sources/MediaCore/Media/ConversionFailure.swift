// SPDX-License-Identifier: Apache-2.0

/// Why a file could not be converted.
public struct ConversionFailure: Error, Sendable {
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The file is not what it should be, or the tool that reads it gave up.
        case unreadable
        case timedOut, outOfMemory, outputTooLarge, tooManyPixels, tooManyPages
        case noSuchPage
        /// The machine lacks the tool, or conversions are switched off.
        case notConfigured
        /// Something about the machine keeps the sandbox from running now.
        case sandboxUnavailable
        /// Too many files are being converted.
        case busy
    }

    public var reason: Reason
    /// For people: what is wrong with the file or the server. Neither paths nor words of a tool.
    public var message: String
    /// For the log only: what the tool said, bounded. It may quote the file.
    public var detail: String?

    public init(_ reason: Reason, _ message: String, detail: String? = nil) {
        self.reason = reason
        self.message = message
        self.detail = detail
    }

    /// Whether the same file may succeed later, on this machine or another one. What hit a limit of its own file never does.
    public var isRetryable: Bool { [.sandboxUnavailable, .notConfigured, .busy].contains(reason) }

    /// How long somebody is sent away for when too many wait, in seconds.
    private static let busySeconds = 5

    /// The same for those who answer requests.
    public var storageError: StorageError {
        let code: StorageError.Code =
            switch reason {
            case .unreadable, .noSuchPage: .unreadableImage
            case .outOfMemory, .outputTooLarge, .tooManyPixels, .tooManyPages: .imageTooLarge
            case .timedOut: .renderTimedOut
            case .notConfigured: .notConfigured
            case .sandboxUnavailable, .busy: .overloaded
            }
        return StorageError(
            code, message, isRetryable: isRetryable, retryAfter: reason == .busy ? Self.busySeconds : nil, cause: self)
    }
}

extension ConversionFailure: CustomStringConvertible {
    /// One line for the log.
    public var description: String { "\(reason.rawValue): \(message)" + (detail.map { " (\($0))" } ?? "") }
}
