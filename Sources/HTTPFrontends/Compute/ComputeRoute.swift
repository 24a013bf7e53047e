// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import WireFormats

/// A path of this interface: all images, or one of them.
enum ComputeRoute: Hashable {
    case images
    /// Decoded once and checked. Nil: a path that no image can have.
    case image(ImagePath?)

    /// Where the interface is. The second is how the vendor's prose writes it.
    static let mounts = ["/api/v1/storage/images", "/storage/images"]

    /// - Parameter path: as sent, without the query. Nil for a path of another front-end.
    init?(path: Substring) {
        for mount in Self.mounts where path.hasPrefix(mount) {
            let rest = path.dropFirst(mount.count)
            if rest.isEmpty {
                self = .images
                return
            }
            if rest.first == "/" {
                self = .image(ImagePath(encoded: rest.dropFirst()))
                return
            }
        }
        return nil
    }

    /// What may be done with it, in the order of `Allow`.
    var methods: [HTTPRequest.Method] {
        switch self {
        case .images: [.get]
        case .image: [.get, .head, .post, .delete]
        }
    }

    /// For metrics and policies.
    func operation(_ method: HTTPRequest.Method) -> String {
        switch (self, method) {
        case (.images, _): "compute.image.list"
        case (.image, .post): "compute.image.save"
        case (.image, .delete): "compute.image.delete"
        case (.image, .head): "compute.image.exists"
        case (.image, _): "compute.image.get"
        }
    }
}

/// The path of an image, which is its key: segments between single slashes, none of them empty, `.` or `..`.
struct ImagePath: Hashable {
    let rawValue: String

    /// - Parameter encoded: as it stands in the request target. It is decoded once, as a whole, and then looked at, so that an
    ///   escaped slash or dot is one. Nil: it leads out of the store, or is not a path.
    init?(encoded: Substring) {
        guard let text = PercentEncoding.decode(encoded) else { return nil }
        let bytes = text.utf8
        // RFC 3986 §3.3: an empty first segment is an absolute path. A backslash is a slash to others.
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }),
            bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy({ segment in
                !segment.isEmpty && !segment.elementsEqual(".".utf8) && !segment.elementsEqual("..".utf8)
            })
        else { return nil }
        rawValue = text
    }

    /// As it stands in a URL.
    var encoded: String { PercentEncoding.encodePath(rawValue) }
}
