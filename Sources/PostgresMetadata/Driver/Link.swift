// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import Glibc

/// A connection of libpq in non-blocking mode, closed with the object.
///
/// Not `Sendable`: libpq keeps the state of a connection unprotected, so the owner uses it under a lock.
final class Link {
    /// What the handshake needs next (`PQconnectPoll`).
    enum Handshake { case reading, writing, done, failed }
    /// What became of the bytes to be sent (`PQflush`).
    enum Flush { case done, pending, failed }
    enum TransactionStatus { case idle, active, open, failed, unknown }

    private let connection: OpaquePointer

    /// Begins to connect. Looks up host names, which blocks.
    init(parameters: [(keyword: String, value: String)]) throws(PostgresError) {
        let started = CStrings.with(parameters.map(\.keyword) + [nil]) { keywords in
            CStrings.with(parameters.map(\.value) + [nil]) { values in PQconnectStartParams(keywords, values, 1) }
        }
        guard let connection = started else { throw PostgresError(.connectFailed, "out of memory") }
        self.connection = connection
        // Only the verbose form of a refused connection carries its SQLSTATE.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        // The default prints notices to stderr.
        PQsetNoticeReceiver(connection, { _, _ in }, nil)
    }

    deinit { PQfinish(connection) }

    /// The socket now in use, -1 for none. libpq may change it while it connects.
    var socket: Int32 { PQsocket(connection) }
    var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }
    var isBusy: Bool { PQisBusy(connection) == 1 }
    /// The process of Postgres that serves this connection.
    var backendID: Int32 { PQbackendPID(connection) }
    var needsPassword: Bool { PQconnectionNeedsPassword(connection) == 1 }

    var transactionStatus: TransactionStatus {
        switch PQtransactionStatus(connection) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .open
        case PQTRANS_INERROR: .failed
        default: .unknown
        }
    }

    /// libpq's own words about what went wrong last.
    var errorMessage: String {
        guard let text = PQerrorMessage(connection) else { return "unknown error" }
        return String(cString: text).trimmingNewlines
    }

    func pollHandshake() -> Handshake {
        switch PQconnectPoll(connection) {
        case PGRES_POLLING_READING: .reading
        case PGRES_POLLING_WRITING: .writing
        case PGRES_POLLING_OK: PQsetnonblocking(connection, 1) == 0 ? .done : .failed
        default: .failed
        }
    }

    func enterPipelineMode() -> Bool { PQenterPipelineMode(connection) == 1 }

    // MARK: Sending. Each returns false when the connection is lost.

    func sendScript(_ text: String) -> Bool { PQsendQuery(connection, text) == 1 }
    func sendPrepare(_ name: String, _ text: String) -> Bool { PQsendPrepare(connection, name, text, 0, nil) == 1 }
    func sendUnprepared(_ text: String) -> Bool { PQsendQueryParams(connection, text, 0, nil, nil, nil, nil, 0) == 1 }
    func sendPrepared(_ name: String, _ parameters: [String?]) -> Bool {
        CStrings.with(parameters) {
            PQsendQueryPrepared(connection, name, Int32(parameters.count), $0, nil, nil, 0) == 1
        }
    }
    func sendSync() -> Bool { PQpipelineSync(connection) == 1 }

    func flush() -> Flush {
        switch PQflush(connection) {
        case 0: .done
        case 1: .pending
        default: .failed
        }
    }

    // MARK: Receiving

    /// Reads what the socket has. - Returns: false when the connection is lost.
    func consumeInput() -> Bool { PQconsumeInput(connection) == 1 }

    /// Whether decrypted bytes wait inside the TLS layer, of which the socket gives no sign.
    var hasBufferedInput: Bool { TLSBuffer.hasBytes(of: connection) }

    /// The next result; nil at the end of one statement's results. Only to be called while `isBusy` is false.
    func nextResult() -> PGResult? { PQgetResult(connection).map(PGResult.init(owning:)) }

    func nextNotification() -> (channel: String, payload: String)? {
        guard let notification = PQnotifies(connection) else { return nil }
        defer { PQfreemem(notification) }
        return (String(cString: notification.pointee.relname), String(cString: notification.pointee.extra))
    }

    func makeCancellation() -> Cancellation? { PQgetCancel(connection).map(Cancellation.init(owning:)) }
}

/// What is needed to ask Postgres to stop the statement that a connection is running.
final class Cancellation: @unchecked Sendable {
    // Sendable: libpq never changes a PGcancel, and sends from it on any thread (libpq §34.7).
    private let pointer: OpaquePointer

    fileprivate init(owning pointer: OpaquePointer) { self.pointer = pointer }
    deinit { PQfreeCancel(pointer) }

    /// Sends the request on a connection of its own and waits until Postgres has taken it. Blocks.
    /// - Returns: what went wrong, if anything.
    func send() -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard PQcancel(pointer, &buffer, Int32(buffer.count)) == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// C strings for the length of a call.
enum CStrings {
    static func with<Result>(_ values: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        let size = values.reduce(0) { $0 + ($1.map { $0.utf8.count + 1 } ?? 0) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(1, size)) { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: max(1, values.count)) { pointers in
                var next = 0
                for (index, value) in values.enumerated() {
                    guard var value else {
                        pointers.initializeElement(at: index, to: nil)
                        continue
                    }
                    pointers.initializeElement(at: index, to: bytes.baseAddress.map { UnsafePointer($0 + next) })
                    value.withUTF8 { utf8 in
                        UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[next...]).copyBytes(
                            from: utf8)
                        next += utf8.count
                    }
                    bytes.initializeElement(at: next, to: 0)
                    next += 1
                }
                return body(pointers.baseAddress.map { UnsafePointer($0) })
            }
        }
    }
}

/// Looks into the TLS layer below libpq.
///
/// libpq reads a part of a TLS record at times and leaves the rest inside OpenSSL, where epoll can't see it. libpq hands out
/// the `SSL` pointer for such uses (`PQsslStruct`); `SSL_pending` is found in the library that libpq itself has loaded.
private enum TLSBuffer {
    private typealias Pending = @convention(c) (UnsafeMutableRawPointer) -> Int32
    private static let pending: Pending? = dlsym(nil, "SSL_pending").map { unsafeBitCast($0, to: Pending.self) }

    static func hasBytes(of connection: OpaquePointer) -> Bool {
        guard PQsslInUse(connection) == 1, let ssl = PQsslStruct(connection, "OpenSSL"), let pending else { return false }
        return pending(ssl) > 0
    }
}

extension String {
    fileprivate var trimmingNewlines: String {
        var text = Substring(self)
        while text.last?.isNewline == true { text.removeLast() }
        return String(text)
    }
}
