// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore

extension PostgresMetadataStore {
    static let changeChannel = "magpie_changes"

    public func watch(_ handler: @escaping @Sendable (MetadataChange) -> Void) async throws {
        handler(.lostTrack)
        try await mappingErrors {
            try await client.listen([Self.changeChannel]) { event in
                switch event {
                case .connected: handler(.tracking)
                case .lost: handler(.lostTrack)
                case .notification(_, let payload):
                    for change in ChangeNotice.changes(in: payload) { handler(change) }
                }
            }
        }
    }
}

/// The payloads that `magpie.announce` sends.
enum ChangeNotice {
    /// Everything may have changed: what is cached is forgotten, and later changes are reported as before.
    private static let everything: [MetadataChange] = [.lostTrack, .tracking]

    /// What a payload reports. Anybody may notify: one that nobody understands might have been about anything.
    static func changes(in payload: String) -> [MetadataChange] {
        guard let parts = try? JSONDecoder().decode([String].self, from: Data(payload.utf8)) else { return everything }
        switch (parts.first, parts.count) {
        case ("object", 3):
            return [.object(ObjectAddress(bucket: BucketID(stored: parts[1]), key: ObjectKey(stored: parts[2])))]
        case ("access_key", 2): return [.accessKey(AccessKeyID(parts[1]))]
        case ("project_key", 2): return [.projectKey(ProjectKeyID(stored: parts[1]))]
        case ("bucket", 2): return [.bucket(BucketID(stored: parts[1]))]
        case ("backend", 2): return [.backend(BackendID(parts[1]))]
        case ("jobs", 1): return [.jobs]
        default: return everything
        }
    }
}
