// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// What tests of assets arrange.
extension StoreFixture {
    static let image = AssetFacts(kind: .image, mediaType: "image/png", size: 3, width: 40, height: 30)
    static let video = AssetFacts(
        kind: .video, mediaType: "video/mp4", size: 5, width: 1920, height: 1080, duration: 12.5, hasAudio: true, codec: "h264")

    /// Makes a project with a bucket of its own.
    @discardableResult
    func makeProject(_ name: String = "shop") async throws -> BucketID {
        let id = BucketID(stored: name)
        _ = try await store.createProject(
            Project(id: id, plan: Plan(.unlimited), createdAt: .now()), isPublic: false, keys: [])
        return id
    }

    /// A caller with a key of these projects.
    func key(of projects: String...) -> Caller {
        let claims = JSONWriter.object { writer in
            writer.field("role", ProjectScope.role)
            writer.key("projects")
            writer.array(projects) { $0.string($1) }
        }
        let principal = Principal(role: ProjectScope.role, subject: nil, claims: JSONText(trusted: claims), token: "token")
        return Caller(principal: principal, facts: facts)
    }

    /// Stores an object under the key and says of it what `change` makes of an image; by its own id where no key is given.
    @discardableResult
    func addAsset(
        _ key: String? = nil, in project: String = "shop", at time: Timestamp = .now(), facts: AssetFacts = StoreFixture.image,
        owner: String? = nil, _ change: (inout AssetRecord) -> Void = { _ in }
    ) async throws -> Asset {
        let prefix: AssetID.Prefix = facts.kind == .video ? .video : .image
        let object = try await put(key ?? AssetID(prefix, at: time).rawValue, in: project, owner: owner)
        return try await record(object, facts: facts, change)
    }

    @discardableResult
    func record(
        _ object: ObjectRecord, facts: AssetFacts = StoreFixture.image, _ change: (inout AssetRecord) -> Void = { _ in }
    ) async throws -> Asset {
        var record = AssetRecord(
            address: object.address, version: object.version ?? ObjectVersion(stored: "none"), facts: facts)
        change(&record)
        guard let asset = try await store.recordAsset(record, facts: self.facts) else {
            throw StorageError(.objectNotFound, "the object has another version")
        }
        return asset
    }

    func asset(_ name: String, in project: String = "shop", as caller: Caller? = nil) async throws -> Asset {
        try await store.asset(name, in: BucketID(stored: project), as: caller ?? service)
    }

    /// The asset of an object that came by another dialect.
    func asset(at key: String, in project: String = "shop") async throws -> Asset? {
        let page = try await store.assets(
            matching: AssetQuery(limit: 100, includesDerived: true), in: BucketID(stored: project), as: service)
        return page.assets.first { $0.address.key.rawValue == key }
    }

    func list(_ query: AssetQuery = AssetQuery(), in project: String = "shop", as caller: Caller? = nil) async throws -> AssetPage
    {
        try await store.assets(matching: query, in: BucketID(stored: project), as: caller ?? service)
    }

    /// The titles of a page.
    func names(_ query: AssetQuery = AssetQuery(), as caller: Caller? = nil) async throws -> [String] {
        try await list(query, as: caller).assets.map { $0.details.name ?? $0.address.key.rawValue }
    }

    /// What is to be looked at: the ids of the assets of unfinished jobs, in byte order.
    func inspections(in project: String = "shop") async throws -> [String] {
        let query = JobQuery(in: BucketID(stored: project), kinds: [JobKind("inspect")], limit: 100)
        return try await store.jobs(matching: query).jobs.filter { $0.status == .pending }.compactMap(\.subject).sorted()
    }

    /// The ids of assets that are gone, whose derived assets are to be deleted, in byte order.
    func sourcesGone(from project: String = "shop") async throws -> [String] {
        struct Payload: Decodable {
            var sources: [String]
        }
        let query = JobQuery(in: BucketID(stored: project), kinds: [.deleteDerived], limit: 100)
        return try await store.jobs(matching: query).jobs
            .flatMap { try JSONDecoder().decode(Payload.self, from: Data($0.payload.rawValue.utf8)).sources }
            .sorted()
    }

    func totals(of project: String = "shop") async throws -> ProjectTotals {
        try await store.totals(of: BucketID(stored: project), facts: facts)
    }
}
