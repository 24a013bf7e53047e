// SPDX-License-Identifier: Apache-2.0

/// A five-character error code of Postgres (PostgreSQL 15, appendix A).
struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    let rawValue: String
    init(rawValue: String) { self.rawValue = rawValue }

    var description: String { rawValue }
    /// The first two characters: what sort of error it is.
    var errorClass: Substring { rawValue.prefix(2) }

    static let featureNotSupported = SQLState(rawValue: "0A000")
    static let tooManyConnections = SQLState(rawValue: "53300")
    static let invalidTextRepresentation = SQLState(rawValue: "22P02")
    static let invalidParameterValue = SQLState(rawValue: "22023")
    static let notNullViolation = SQLState(rawValue: "23502")
    static let foreignKeyViolation = SQLState(rawValue: "23503")
    static let uniqueViolation = SQLState(rawValue: "23505")
    static let checkViolation = SQLState(rawValue: "23514")
    static let readOnlyTransaction = SQLState(rawValue: "25006")
    static let failedTransaction = SQLState(rawValue: "25P02")
    static let unknownStatementName = SQLState(rawValue: "26000")
    static let serializationFailure = SQLState(rawValue: "40001")
    static let deadlockDetected = SQLState(rawValue: "40P01")
    static let insufficientPrivilege = SQLState(rawValue: "42501")
    static let undefinedTable = SQLState(rawValue: "42P01")
    static let invalidObjectDefinition = SQLState(rawValue: "42P17")
    static let undefinedColumn = SQLState(rawValue: "42703")
    static let lockNotAvailable = SQLState(rawValue: "55P03")
    static let queryCanceled = SQLState(rawValue: "57014")
    static let adminShutdown = SQLState(rawValue: "57P01")
    static let crashShutdown = SQLState(rawValue: "57P02")
    // Raised by magpie.complete_upload.
    static let uploadNotFound = SQLState(rawValue: "MG404")
    static let uploadComplete = SQLState(rawValue: "MG409")
    // Raised by magpie.settle_intent and magpie.reserve_blob.
    static let reservationGone = SQLState(rawValue: "MG410")
    static let storeGone = SQLState(rawValue: "MG502")
    // Raised by magpie.adopt_blob.
    static let keyKnown = SQLState(rawValue: "MG411")
    // Raised by magpie.require_seen.
    static let anotherRow = SQLState(rawValue: "MG412")
    // Raised by magpie.commit_puts.
    static let watchedPuts = SQLState(rawValue: "MG501")
    static let cannotConnectNow = SQLState(rawValue: "57P03")
}
