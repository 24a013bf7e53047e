// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import MediaTesting
import NIOCore

/// Files over in-memory stores, with one project.
struct FilesFixture {
    static let project = BucketID(stored: "shop")
    static let alice = CoreFixture.caller(subject: "11111111-1111-4111-8111-111111111111")
    static let bob = CoreFixture.caller(subject: "22222222-2222-4222-8222-222222222222")
    static let anon = CoreFixture.caller(role: "anon", subject: nil)
    /// The first bytes of a PNG, and some more.
    static let picture: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D]

    let metadata: InMemoryMetadataStore
    let memory = InMemoryBlobStore()
    let clock = ManualClock(Timestamp.now())
    let storage: Storage

    init(public isPublic: Bool = false, limits: Files.Limits = Files.Limits(leastPartBytes: 4)) async throws {
        let clock = self.clock
        metadata = InMemoryMetadataStore(now: { clock.now() })
        storage = Storage(
            configuration: Storage.Configuration(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 20), files: Files.Configuration(limits: limits)),
            keys: try await KeyRing(secret: CoreFixture.secret), metadata: metadata, blobs: OneStore(store: memory),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), now: { clock.now() })
        storage.cache.apply(.tracking)
        _ = try await storage.projects.create(Projects.Beginning(name: Self.project.rawValue, isPublic: isPublic))
    }

    var files: Files { storage.files }

    /// The project's secret key.
    var key: Caller {
        let scope = ProjectScope(keyID: "k", projects: [Self.project])
        let claims = JSONWriter.object { writer in
            writer.field("role", ProjectScope.role)
            writer.key("projects")
            writer.array(scope.projects) { $0.string($1.rawValue) }
        }
        return Caller(
            principal: Principal(
                role: ProjectScope.role, subject: nil, claims: JSONText(trusted: claims), token: "", scope: scope),
            facts: CoreFixture.facts)
    }

    static func announcement(
        _ name: String = "Cat.PNG", type: String = "image/png", size: Int64? = Int64(picture.count),
        visibility: FileVisibility = .private
    ) -> FileAnnouncement {
        FileAnnouncement(name: name, mediaType: type, size: size, visibility: visibility, label: .images)
    }

    /// Gives a key out. - Returns: the ticket, and the token of its URL.
    func issue(
        _ announcement: FileAnnouncement = announcement(), as caller: Caller = alice
    ) async throws -> (ticket: FileTicket, token: String) {
        let issued = try await files.issue(announcement, in: Self.project, as: caller)
        guard case .server(let token) = issued.destination else {
            throw StorageError(.internal, "the bytes are to go elsewhere")
        }
        return (issued.ticket, token)
    }

    @discardableResult
    func send(
        _ bytes: [UInt8] = picture, to issued: (ticket: FileTicket, token: String)
    ) async throws -> ObjectRecord {
        try await files.receive(
            ByteStream(ByteBuffer(bytes: bytes)), at: issued.ticket.address, token: issued.token, facts: CoreFixture.facts)
    }

    static func registration(
        _ ticket: FileTicket, name: String = "Cat.PNG", type: String = "image/png", size: Int64 = Int64(picture.count),
        visibility: FileVisibility? = nil, metadata: FileMetadata = FileMetadata(), sharedWith: [String] = []
    ) -> FileRegistration {
        FileRegistration(
            s3Key: ticket.s3Key, originalName: name, mediaType: type, size: size, visibility: visibility, metadata: metadata,
            sharedWith: sharedWith)
    }

    /// A file of somebody's.
    func add(
        _ visibility: FileVisibility = .private, of caller: Caller = alice, metadata: FileMetadata = FileMetadata(),
        sharedWith: [String] = []
    ) async throws -> FileView {
        let issued = try await issue(Self.announcement(visibility: visibility), as: caller)
        try await send(to: issued)
        return try await files.register(
            Self.registration(issued.ticket, metadata: metadata, sharedWith: sharedWith), in: Self.project, as: caller)
    }

    func publicRead(_ address: ObjectAddress) async throws -> Delivered {
        try await storage.delivery.open(address, access: .publicBucket(CoreFixture.facts))
    }
}

/// Which rule of files what `body` throws says was broken.
func fileFault(_ body: () async throws -> Void) async -> FileFault? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StorageError)?.fileFault
    }
}
