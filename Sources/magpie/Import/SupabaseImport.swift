// SPDX-License-Identifier: Apache-2.0

import MediaCore
import PostgresMetadata

/// Takes over buckets and objects of a Supabase Storage. Nothing there is touched.
struct SupabaseImport: Sendable {
    private static let page = 500

    let database: SupabaseDatabase
    let files: SupabaseFiles
    let transfer: ObjectTransfer
    let parallelism: Int
    let isDryRun: Bool

    /// - Parameter names: of the buckets; empty for all.
    /// - Throws: `ConfigurationError` for a bucket that is not there; what ends all of it.
    func run(_ names: [String]) async throws -> ImportRun.Summary {
        let buckets = try await buckets(names)
        let totals = try await database.totals(of: buckets.map(\.id))
        let progress = ImportProgress(total: totals.objects)
        for bucket in buckets {
            guard try await transfer.take(bucket) else {
                progress.say("bucket   \(bucket.id) is here already, and stays as it is")
                continue
            }
            progress.say("bucket   \(bucket.id)\(isDryRun ? " to be made" : "")")
        }
        let list = ObjectList(buckets: buckets.map(\.id), database: database, page: Self.page)
        let summary = try await ImportRun(parallelism: parallelism, progress: progress).run(
            { try await list.next() }, name: { "\($0.address)" }
        ) { [transfer, files] object in
            switch try await transfer.take(object, open: { try await files.open(object) }) {
            case .taken(let bytes): .imported(bytes: bytes)
            case .present: .present
            }
        }
        progress.finish()
        return summary
    }

    private func buckets(_ names: [String]) async throws -> [Bucket] {
        let all = try await database.buckets()
        if let unknown = names.first(where: { name in !all.contains { $0.id.rawValue == name } }) {
            throw ConfigurationError("there is no bucket \(unknown) in that database")
        }
        let wanted = names.isEmpty ? all : all.filter { names.contains($0.id.rawValue) }
        for bucket in wanted where bucket.type != "STANDARD" {
            StandardError.write("magpie: the bucket \(bucket.id) is of type \(bucket.type), which is not imported\n")
        }
        return wanted.filter { $0.type == "STANDARD" }
    }
}

/// The objects of some buckets, page by page.
private actor ObjectList {
    private let database: SupabaseDatabase
    private let page: Int
    private var buckets: [BucketID]
    private var objects: [ObjectRecord] = []
    private var last: String?

    init(buckets: [BucketID], database: SupabaseDatabase, page: Int) {
        self.buckets = buckets.reversed()
        self.database = database
        self.page = page
    }

    /// Asked by one task.
    func next() async throws -> ObjectRecord? {
        while objects.isEmpty, let bucket = buckets.last {
            let found = try await database.objects(in: bucket, after: last, limit: page)
            objects = found.reversed()
            last = found.last?.address.key.rawValue
            if found.count < page {
                buckets.removeLast()
                last = nil
            }
        }
        return objects.popLast()
    }
}
