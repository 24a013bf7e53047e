// SPDX-License-Identifier: Apache-2.0

import BlobStores
import MediaCore

/// The bytes of a Supabase Storage: in a directory, or in a bucket of an S3 service.
///
/// They are at `{tenant}/{bucket}/{name}/{version}`. In a directory the name of an S3 bucket stands before that, and with
/// TUS_USE_FILE_VERSION_SEPARATOR there is `-$v-` before the version. Rows without a version are of old times, and so are their files.
actor SupabaseFiles {
    enum Place: Sendable {
        case directory(FileDirectory)
        case bucket(any ClosableBlobStore)
    }

    private let place: Place
    /// What may stand before the bucket, the likeliest first.
    private var bases: [String]

    /// - Parameter tenant: nil to find out.
    init(_ place: Place, tenant: String?) async throws {
        self.place = place
        if let tenant {
            let isEmpty = tenant.allSatisfy { $0 == "/" }
            bases = [isEmpty ? "" : tenant.hasSuffix("/") ? tenant : tenant + "/"]
        } else {
            bases = try await Self.bases(in: place)
        }
    }

    func close() async throws {
        switch place {
        case .directory(let directory): try await directory.close()
        case .bucket(let store): try await store.close()
        }
    }

    /// - Throws: `StorageError` with `.blobMissing`; what reading throws.
    func open(_ object: ObjectRecord) async throws -> BlobContent {
        let name = "\(object.address.bucket.rawValue)/\(object.address.key.rawValue)"
        let names = object.version.map { ["\(name)/\($0)", "\(name)-$v-\($0)"] } ?? [name]
        for base in bases {
            for name in names {
                do {
                    let content = try await open(base + name)
                    // What was right once is most likely right again.
                    prefer(base)
                    return content
                } catch let error as StorageError where error.code == .blobMissing {
                    continue
                }
            }
        }
        throw StorageError(.blobMissing, "Its file is missing", resource: object.address.key.rawValue)
    }

    private func prefer(_ base: String) {
        guard bases.first != base, let index = bases.firstIndex(of: base) else { return }
        bases.swapAt(0, index)
    }

    private func open(_ path: String) async throws -> BlobContent {
        switch place {
        case .directory(let directory): try await directory.open(path)
        case .bucket(let store): try await store.get(BlobKey(path), range: nil)
        }
    }

    /// Everything that may stand before a bucket's name: nothing, directories, and directories in those; in a bucket the first
    /// segments of its keys.
    private static func bases(in place: Place) async throws -> [String] {
        switch place {
        case .directory(let directory):
            var bases = [""]
            for outer in try await directories(in: "", of: directory) {
                bases.append(outer + "/")
                for inner in try await directories(in: outer, of: directory) { bases.append("\(outer)/\(inner)/") }
                guard bases.count <= mostBases else { throw tooMany }
            }
            return bases
        case .bucket(let store):
            return try await tenants(in: store) + [""]
        }
    }

    /// The first segments of all keys that have several, each with its `/`.
    private static func tenants(in store: any BlobStore) async throws -> [String] {
        var tenants: [String] = []
        var last: String?
        while let key = try await store.list(prefix: "", after: last, limit: 1).blobs.first?.key.rawValue {
            guard let slash = key.utf8.firstIndex(of: UInt8(ascii: "/")) else {
                last = key
                continue
            }
            let tenant = String(key[...slash])
            tenants.append(tenant)
            guard tenants.count <= mostBases else { throw tooMany }
            // Behind everything that begins so.
            last = tenant + "\u{10FFFF}"
        }
        return tenants
    }

    private static let mostBases = 1000

    private static func directories(in path: String, of directory: FileDirectory) async throws -> [String] {
        try await directory.entries(of: path).filter { $0.kind == .directory }.map(\.name)
    }

    private static var tooMany: ConfigurationError {
        ConfigurationError("too many directories may be the tenant's: name the one in front of the buckets with --tenant")
    }
}
