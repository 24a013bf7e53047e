// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// How an upload under way is named in a URL: base64url of `{bucket}/{key}/{version}`, as Supabase Storage has it.
///
/// Clients keep these URLs for days, so whatever comes back in one must not be more than an unknown upload.
struct UploadLocator: Hashable {
    /// `{bucket}/{key}`.
    let address: String
    let id: UploadID

    init(_ session: UploadSession) {
        self.address = session.address.description
        self.id = session.id
    }

    /// - Parameter segment: of a path. Nil when it names no upload.
    init?(segment: some StringProtocol) {
        guard segment.utf8.count <= 4096, let bytes = Base64URL.decode(segment),
            let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0),
            let separator = text.utf8.lastIndex(of: UInt8(ascii: "/"))
        else { return nil }
        self.address = String(text[..<separator])
        self.id = UploadID(String(text[text.index(after: separator)...]))
        guard !id.rawValue.isEmpty, address.utf8.contains(UInt8(ascii: "/")) else { return nil }
    }

    var segment: String { Base64URL.encode("\(address)/\(id)".utf8) }

    /// Whether the upload found by the id is the one that was named.
    func names(_ session: UploadSession) -> Bool { names(session.address) }

    /// By bytes, as addresses compare.
    func names(_ other: ObjectAddress) -> Bool { address.utf8.elementsEqual(other.description.utf8) }
}

/// Where clients reach the server, for answers that carry absolute URLs.
public struct PublicOrigin: Sendable {
    private let configured: String?
    private let isTLS: Bool

    /// - Parameters:
    ///   - url: the configured public URL, without a slash at its end. Nil: what each request says is believed.
    ///   - isTLS: whether the listener speaks TLS.
    public init(url: String?, isTLS: Bool) {
        self.configured = url
        self.isTLS = isTLS
    }

    /// Whether it is the same for every client. Else an answer that holds it must not be kept for others.
    var isConfigured: Bool { configured != nil }

    /// Scheme, host and port for a client that sent `request`. What it says of itself only comes back to it.
    func url(for request: Request) -> String {
        if let configured { return configured }
        let scheme = request.headers[.xForwardedProto].flatMap(Self.scheme) ?? (isTLS ? "https" : "http")
        var host = request.headers[.xForwardedHost].flatMap(Self.first) ?? request.head.authority ?? "localhost"
        if let port = request.headers[.xForwardedPort].flatMap(Self.first), !host.contains(":"),
            port != (scheme == "https" ? "443" : "80")
        {
            host += ":\(port)"
        }
        return "\(scheme)://\(host)"
    }

    /// The first of a list, if it is how this server can be reached: nothing that a page would run.
    private static func scheme(_ value: String) -> String? {
        first(value).map { $0.lowercased() }.flatMap { ["http", "https"].contains($0) ? $0 : nil }
    }

    /// The first of a list, if it can stand in a URL.
    private static func first(_ value: String) -> String? {
        let first = value.prefix { $0 != "," }
        let isClean = first.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || ".:-[]".utf8.contains(byte)
        }
        return first.isEmpty || !isClean ? nil : String(first)
    }
}

extension HTTPField.Name {
    static let uploadLength = known("upload-length")
    static let uploadOffset = known("upload-offset")
    static let xForwardedProto = known("x-forwarded-proto")
    static let xForwardedHost = known("x-forwarded-host")
    static let xForwardedPort = known("x-forwarded-port")
}
