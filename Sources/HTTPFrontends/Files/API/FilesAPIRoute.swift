// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// A path of this interface, with the other names that the vendor's texts for programs give some of them.
enum FilesAPIRoute: Hashable {
    /// What is done with an upload in parts.
    enum PartsStep: Hashable { case begin, partURL, complete, abort }

    /// A part of a file, or something that is done with it.
    enum Part: Hashable {
        case whole, downloadURL, visibility, complete, shares, share(String)
    }

    case signUp, signIn, refresh, me, signOut
    case presign, files, stats, buckets
    /// The upload is named in the path, or else in the body.
    case parts(PartsStep, upload: String?)
    case file(String, Part)
    /// Of a user: where to upload a picture, and the picture.
    case avatarUpload(String), avatar(String)
    /// Nothing is there.
    case unknown

    /// Nil for a path of another front-end.
    init?(path: Substring) {
        var segments = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard segments.popFirst() == "", segments.popFirst() == "v1" else { return nil }
        if segments.last == "" { segments.removeLast() }
        let names = segments.map { PercentEncoding.decode(String($0)) ?? "" }
        guard !names.contains("") else {
            self = .unknown
            return
        }
        switch names.first {
        case "auth": self = Self.auth(names.dropFirst().joined(separator: "/"))
        case "files": self = Self.files(Array(names.dropFirst()))
        case "users": self = Self.users(Array(names.dropFirst()))
        default: self = .unknown
        }
    }

    private static func auth(_ path: String) -> FilesAPIRoute {
        switch path {
        case "email/signup": .signUp
        case "email/signin": .signIn
        case "refresh": .refresh
        case "me": .me
        case "signout": .signOut
        default: .unknown
        }
    }

    private static func files(_ names: [String]) -> FilesAPIRoute {
        switch (names.first, names.count) {
        case (nil, _): .files
        case ("presigned-url", 1), ("upload", 1): .presign
        case ("stats", 1): .stats
        case ("buckets", 1): .buckets
        case ("multipart", 2): parts(names[1], upload: nil)
        case ("multipart", 3): parts(names[2], upload: names[1])
        case ("presigned-url", _), ("upload", _), ("stats", _), ("buckets", _), ("multipart", _): .unknown
        case (let id?, 1): .file(id, .whole)
        case (let id?, 2): part(names[1]).map { .file(id, $0) } ?? .unknown
        case (let id?, 3) where names[1] == "shares": .file(id, .share(names[2]))
        default: .unknown
        }
    }

    private static func part(_ name: String) -> Part? {
        switch name {
        case "download-url", "download": .downloadURL
        case "visibility": .visibility
        case "complete": .complete
        case "shares": .shares
        default: nil
        }
    }

    private static func parts(_ name: String, upload: String?) -> FilesAPIRoute {
        switch (name, upload) {
        case ("init", nil), ("initiate", nil): .parts(.begin, upload: nil)
        case ("presigned-url", nil), ("part-url", _?): .parts(.partURL, upload: upload)
        case ("complete", _): .parts(.complete, upload: upload)
        case ("abort", _): .parts(.abort, upload: upload)
        default: .unknown
        }
    }

    private static func users(_ names: [String]) -> FilesAPIRoute {
        guard names.count >= 2, names[1] == "avatar" else { return .unknown }
        return switch (names.count, names.last) {
        case (2, _): .avatar(names[0])
        case (3, "upload-url"): .avatarUpload(names[0])
        default: .unknown
        }
    }

    /// What may be done with it. Empty where nothing is.
    var methods: [String] {
        switch self {
        case .signUp, .signIn, .refresh, .signOut, .presign, .parts, .avatarUpload: ["POST"]
        case .me, .stats, .buckets: ["GET", "HEAD"]
        case .files: ["GET", "HEAD", "POST"]
        case .file(_, .whole): ["GET", "HEAD", "PATCH", "DELETE"]
        // The vendor's pages say both.
        case .file(_, .downloadURL): ["GET", "HEAD", "POST"]
        case .file(_, .visibility): ["PATCH"]
        case .file(_, .complete): ["POST"]
        case .file(_, .shares): ["GET", "HEAD", "POST"]
        case .file(_, .share): ["DELETE"]
        case .avatar: ["PATCH", "DELETE"]
        case .unknown: []
        }
    }

    /// What of a key's scopes it takes. Nil: any key will do.
    func scope(_ method: HTTPRequest.Method) -> KeyScope.FileOperation? {
        let isRead = method == .get || method == .head
        return switch self {
        case .signUp, .signIn, .refresh, .me, .signOut, .unknown: nil
        case .presign, .parts, .file(_, .complete), .avatarUpload: .create
        case .files: isRead ? .list : .create
        case .stats, .buckets: .list
        case .file(_, .whole): isRead ? .read : method == .delete ? .delete : .update
        case .file(_, .downloadURL): .read
        case .file(_, .shares): isRead ? .read : .update
        case .file(_, .visibility), .file(_, .share), .avatar: .update
        }
    }

    /// Whether it can be had with a publishable key alone. What of it, policies decide.
    func isOpen(_ method: HTTPRequest.Method) -> Bool {
        switch self {
        case .files, .file(_, .whole): method == .get || method == .head
        case .file(_, .downloadURL): true
        default: false
        }
    }

    /// Whether it is about a user, of whom errors speak in codes of their own.
    var isOfUsers: Bool {
        switch self {
        case .avatar, .avatarUpload: true
        default: false
        }
    }

    /// For metrics and policies.
    func operation(_ method: HTTPRequest.Method) -> String {
        switch self {
        case .signUp: "files.sign_up"
        case .signIn, .refresh, .me, .signOut: "files.sign_in"
        case .presign, .avatarUpload: "files.presign"
        case .parts: "files.multipart"
        case .stats, .buckets: "files.stats"
        case .files, .file(_, .whole): scope(method).map { "files.\($0.rawValue)" } ?? "files.unknown"
        case .file(_, .downloadURL): "files.download_url"
        case .file(_, .visibility): "files.update"
        case .file(_, .complete): "files.create"
        case .file(_, .shares), .file(_, .share): "files.shares"
        case .avatar: "files.avatar"
        case .unknown: "files.unknown"
        }
    }
}
