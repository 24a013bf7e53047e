// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

extension S3Call {
    func listObjects(isV2: Bool) async throws -> Response {
        let bucket = try bucket()
        let caller = try caller()
        let list = try S3KeyListRequest(query, isV2: isV2)
        try await storage.buckets.requireExists(bucket, facts: facts)
        let page = try await storage.objects.keys(try list.keyQuery, in: bucket, as: caller)
        return .xml(S3KeyList(bucket: bucket, request: list, page: page).document)
    }

    func listObjectVersions() async throws -> Response {
        let bucket = try bucket()
        let caller = try caller()
        let list = try S3VersionListRequest(query)
        try await storage.buckets.requireExists(bucket, facts: facts)
        let page = try await storage.objects.versions(list.versionQuery, in: bucket, as: caller)
        return .xml(S3VersionList(bucket: bucket, request: list, page: page).document)
    }
}
