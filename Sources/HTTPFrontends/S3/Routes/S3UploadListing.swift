// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

extension S3Call {
    func listMultipartUploads() async throws -> Response {
        let bucket = try bucket()
        let caller = try caller()
        let list = try S3UploadListRequest(query)
        var items: [S3UploadList.Item] = []
        var last: UploadSession?
        var isTruncated = false
        var position = UploadQuery(
            bucket: bucket, kind: .parts, prefix: list.prefix, keyMarker: list.keyMarker.isEmpty ? nil : list.keyMarker,
            idMarker: list.idMarker.isEmpty ? nil : UploadID(list.idMarker), limit: S3UploadListRequest.maxUploads)
        let folding = KeyQuery(prefix: list.prefix, delimiter: list.delimiter)
        // Folded uploads take no room on a page, so one page may need several of the core's.
        reading: while list.limit > 0 {
            let page = try await storage.uploads.list(position, as: caller)
            for session in page {
                let folded = folding.fold(session.address.key.rawValue)
                if let folded, case .prefix(folded)? = items.last {
                    last = session
                    continue
                }
                guard items.count < list.limit else {
                    isTruncated = true
                    break reading
                }
                // The page before ended inside of this prefix.
                if let folded, folding.fold(list.keyMarker) == folded { continue }
                items.append(folded.map { .prefix($0) } ?? .upload(session))
                last = session
            }
            guard page.count == position.limit, let end = page.last else { break }
            position.keyMarker = end.address.key.rawValue
            position.idMarker = end.id
        }
        let next = isTruncated ? last.map { ($0.address.key.rawValue, $0.id.rawValue) } : nil
        return .xml(S3UploadList(bucket: bucket, request: list, items: items, next: next).document)
    }
}
