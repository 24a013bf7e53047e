// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func keys(matching query: KeyQuery, in bucket: BucketID, as caller: Caller) async throws -> KeyPage {
        let limit = max(0, min(query.limit, KeyQuery.maxLimit))
        guard limit > 0, let seek = query.seek else { return KeyPage(items: [], next: nil) }
        let visible = try transaction(as: caller) { state, security in
            state.objects.values.filter {
                $0.address.bucket == bucket && $0.address.key.rawValue.utf8.starts(with: query.prefix.utf8)
                    && !ListingOrder.precedes($0.address.key.rawValue, seek) && security.sees($0)
            }
        }
        var items: [KeyPage.Item] = []
        for record in visible.sorted(by: { $0.address.key < $1.address.key }) {
            let item = query.fold(record.address.key.rawValue).map(KeyPage.Item.prefix) ?? .object(Self.entry(record, query))
            if item != items.last { items.append(item) }
        }
        return KeyPage(items: items, limit: limit)
    }

    public func existingKeys(
        among keys: [ObjectKey], in bucket: BucketID, facts: RequestFacts
    ) async throws -> Set<ObjectKey> {
        state.withLock { state in
            Set(keys.filter { state.objects[ObjectAddress(bucket: bucket, key: $0)] != nil })
        }
    }

    private static func entry(_ record: ObjectRecord, _ query: KeyQuery) -> KeyEntry {
        let details = ObjectMetadata(parsing: record.metadata)
        return KeyEntry(
            key: record.address.key, size: details.size, entityTag: record.entityTag(details),
            lastModified: details.lastModified ?? record.updatedAt,
            owner: query.includesOwner ? record.ownerID ?? record.owner : nil)
    }
}
