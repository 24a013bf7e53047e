// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func avatar(of subject: String, in project: BucketID, facts: RequestFacts) async throws -> FileRecord? {
        state.withLock { state in
            state.fileRows.avatars[FileRows.User(project: project, subject: subject)].flatMap { state.fileRows.files[$0] }
        }
    }

    public func setAvatar(
        _ id: FileID?, of subject: String, in project: BucketID, facts: RequestFacts
    ) async throws -> FileID? {
        try state.withLock { state in
            if let id, state.fileRows.files[id]?.address.bucket != project { throw StorageError.fileNotFound(id) }
            let user = FileRows.User(project: project, subject: subject)
            let former = state.fileRows.avatars[user].flatMap { state.fileRows.files[$0]?.id }
            state.fileRows.avatars[user] = id
            return former == id ? nil : former
        }
    }
}
