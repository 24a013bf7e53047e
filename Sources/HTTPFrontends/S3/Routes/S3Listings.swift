// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

extension S3Call {
    func listObjects(isV2: Bool) async throws -> Response {
        let bucket = try bucket()
        let caller = try caller()
        let list = try S3KeyListRequest(query, isV2: isV2)
        try await storage.buckets.requireExists(bucket, facts: facts)
        let page = try await keys(try list.keyQuery, in: bucket, as: caller)
        return .xml(S3KeyList(bucket: bucket, request: list, page: page).document)
    }

    private func keys(_ query: KeyQuery, in bucket: BucketID, as caller: Caller) async throws -> KeyPage {
        guard query.limit > 0 else { return KeyPage(items: [], next: nil) }
        guard query.delimiter == nil || query.delimiter == "/" else { throw S3Error.notImplemented("delimiter") }
        var after: String?
        switch query.after {
        case nil: break
        case .key(let name), .prefix(let name): after = name
        }
        let page = try await storage.objects.list(
            ListQuery(
                prefix: query.prefix, foldsFolders: query.delimiter != nil, limit: query.limit,
                after: after.map { ListQuery.Cursor(name: $0, sortColumn: .name, order: .ascending, milliseconds: nil) }),
            in: bucket, as: caller)
        let items = page.entries.map { entry -> KeyPage.Item in
            guard !entry.isFolder else { return .prefix(entry.name) }
            let details = ObjectMetadata(parsing: entry.metadata)
            return .object(
                KeyEntry(
                    key: ObjectKey(stored: entry.name), size: details.size, entityTag: details.eTag ?? "",
                    lastModified: details.lastModified ?? entry.updatedAt))
        }
        return KeyPage(items: items, next: page.next.map { $0.name.hasSuffix("/") ? .prefix($0.name) : .key($0.name) })
    }
}
