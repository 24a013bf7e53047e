// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import WireFormats

/// Which call of the Supabase Storage REST interface a request is, decided by its method and raw path alone.
///
/// Bucket and key are still percent-encoded here: a key is decoded as a whole, so that `%2F` becomes part of it.
enum SupabaseRoute: Hashable {
    /// By what right a download is asked for: the segment between `/object/` and the bucket.
    enum ReadAccess: String, Hashable {
        case open = "public"
        case authenticated = "authenticated"
        case signed = "sign"
        /// No such segment: a token may be there.
        case either = ""
    }

    case status, version, health
    case createBucket, listBuckets
    case getBucket(String), updateBucket(String), deleteBucket(String), emptyBucket(String)
    case upload(bucket: String, key: String), update(bucket: String, key: String)
    case signUpload(bucket: String, key: String), uploadSigned(bucket: String, key: String)
    case download(ReadAccess, bucket: String, key: String), head(ReadAccess, bucket: String, key: String)
    case info(ReadAccess, bucket: String, key: String, isHead: Bool)
    /// An image of an object. `GET` and `HEAD`; by one of the three named rights.
    case render(ReadAccess, bucket: String, key: String)
    case deleteObject(bucket: String, key: String), deleteObjects(bucket: String)
    case copy, move
    case sign(bucket: String, key: String), signMany(bucket: String)
    case list(bucket: String), listV2(bucket: String)
    case purge(path: String)

    /// Nil for a path or method that the interface does not have.
    init?(method: HTTPRequest.Method, path: Substring) {
        guard path.first == "/" else { return nil }
        let (head, rest) = Self.split(path.dropFirst())
        switch (head, method) {
        case ("status", .get) where rest == nil: self = .status
        case ("version", .get) where rest == nil: self = .version
        case ("health", .get) where rest == nil: self = .health
        case ("bucket", _): self.init(bucket: rest ?? "", method)
        case ("object", _):
            guard let rest else { return nil }
            self.init(object: rest, method)
        case ("render", .get), ("render", .head):
            guard let rest else { return nil }
            self.init(rendering: rest)
        case ("cdn", .delete): self = .purge(path: String(rest ?? ""))
        default: return nil
        }
    }

    private init?(bucket path: Substring, _ method: HTTPRequest.Method) {
        let (id, rest) = Self.split(path)
        switch (method, id.isEmpty, rest) {
        case (.post, true, nil): self = .createBucket
        case (.get, true, nil): self = .listBuckets
        case (.get, false, nil): self = .getBucket(String(id))
        case (.put, false, nil): self = .updateBucket(String(id))
        case (.delete, false, nil): self = .deleteBucket(String(id))
        case (.post, false, "empty"): self = .emptyBucket(String(id))
        default: return nil
        }
    }

    private init?(object path: Substring, _ method: HTTPRequest.Method) {
        let (head, rest) = Self.split(path)
        switch method {
        case .get, .head: self.init(reading: head, rest, isHead: method == .head)
        case .post: self.init(posting: head, rest)
        case .put:
            if head == "upload", let signed = Self.signedUpload(rest) {
                self = .uploadSigned(bucket: signed.bucket, key: signed.key)
            } else {
                guard let rest else { return nil }
                self = .update(bucket: String(head), key: String(rest))
            }
        case .delete:
            guard !head.isEmpty else { return nil }
            self = rest.map { .deleteObject(bucket: String(head), key: String($0)) } ?? .deleteObjects(bucket: String(head))
        default: return nil
        }
    }

    private init?(reading head: Substring, _ rest: Substring?, isHead: Bool) {
        guard let rest else { return nil }
        switch String(head) {
        case "info":
            let (first, below) = Self.split(rest)
            guard let below else { return nil }
            if let access = ReadAccess(rawValue: String(first)), access == .open || access == .authenticated,
                let (bucket, key) = Self.object(below)
            {
                self = .info(access, bucket: bucket, key: key, isHead: isHead)
            } else {
                self = .info(.either, bucket: String(first), key: String(below), isHead: isHead)
            }
        case let name:
            let access = name.isEmpty ? nil : ReadAccess(rawValue: name)
            guard let (bucket, key) = access == nil ? (name, String(rest)) : Self.object(rest) else { return nil }
            self =
                isHead
                ? .head(access ?? .either, bucket: bucket, key: key) : .download(access ?? .either, bucket: bucket, key: key)
        }
    }

    private init?(rendering path: Substring) {
        let (word, rest) = Self.split(path)
        guard word == "image", let rest else { return nil }
        let (name, below) = Self.split(rest)
        guard let access = ReadAccess(rawValue: String(name)), access != .either, let below,
            let (bucket, key) = Self.object(below)
        else { return nil }
        self = .render(access, bucket: bucket, key: key)
    }

    private init?(posting head: Substring, _ rest: Substring?) {
        switch (head, rest) {
        case ("copy", nil): self = .copy
        case ("move", nil): self = .move
        case ("list", .some(let bucket)) where !bucket.contains("/") && !bucket.isEmpty: self = .list(bucket: String(bucket))
        case ("list-v2", .some(let bucket)) where !bucket.contains("/") && !bucket.isEmpty: self = .listV2(bucket: String(bucket))
        case ("sign", .some(let path)) where !path.isEmpty:
            let (bucket, key) = Self.split(path)
            self = key.map { .sign(bucket: String(bucket), key: String($0)) } ?? .signMany(bucket: String(bucket))
        case (_, .some(let key)) where !head.isEmpty:
            if head == "upload", let signed = Self.signedUpload(rest) {
                self = .signUpload(bucket: signed.bucket, key: signed.key)
            } else {
                self = .upload(bucket: String(head), key: String(key))
            }
        default: return nil
        }
    }

    /// `sign/{bucket}/{key}` behind `/object/upload/`.
    private static func signedUpload(_ rest: Substring?) -> (bucket: String, key: String)? {
        guard let rest else { return nil }
        let (word, path) = split(rest)
        guard word == "sign", let path else { return nil }
        return object(path)
    }

    private static func object(_ path: Substring) -> (bucket: String, key: String)? {
        let (bucket, key) = split(path)
        guard !bucket.isEmpty, let key else { return nil }
        return (String(bucket), String(key))
    }

    /// The first segment, and what follows its slash. Nil when there is no slash.
    private static func split(_ path: Substring) -> (Substring, Substring?) {
        guard let slash = path.utf8.firstIndex(of: UInt8(ascii: "/")) else { return (path, nil) }
        return (path[..<slash], path[path.index(after: slash)...])
    }
}

extension SupabaseRoute {
    /// The name that policies compare and metrics carry.
    var operation: String {
        switch self {
        case .status: "storage.status"
        case .version: "storage.version"
        case .health: "storage.health"
        case .createBucket: "storage.bucket.create"
        case .listBuckets: "storage.bucket.list"
        case .getBucket: "storage.bucket.get"
        case .updateBucket: "storage.bucket.update"
        case .deleteBucket: "storage.bucket.delete"
        case .emptyBucket: "storage.bucket.empty"
        case .upload: "storage.object.upload"
        case .update: "storage.object.upload_update"
        case .signUpload: "storage.object.sign_upload_url"
        case .uploadSigned: "storage.object.upload_signed"
        case .download(.open, _, _), .head(.open, _, _): "storage.object.get_public"
        case .download(.signed, _, _), .head(.signed, _, _): "storage.object.get_signed"
        case .download: "storage.object.get_authenticated"
        // Quirk: these two kept the names they had before operations were prefixed; policies compare them.
        case .head, .info(_, _, _, isHead: true): "object.head_authenticated_info"
        case .info(.open, _, _, _): "storage.object.info_public"
        case .info: "object.get_authenticated_info"
        case .render(.open, _, _): "storage.render.image_public"
        case .render(.signed, _, _): "storage.render.image_sign"
        case .render: "storage.render.image_authenticated"
        case .deleteObject: "storage.object.delete"
        case .deleteObjects: "storage.object.delete_many"
        case .copy: "storage.object.copy"
        case .move: "storage.object.move"
        case .sign: "storage.object.sign"
        case .signMany: "storage.object.sign_many"
        case .list: "storage.object.list"
        case .listV2: "storage.object.list_v2"
        case .purge: "storage.cdn.purge_object_cache"
        }
    }
}
