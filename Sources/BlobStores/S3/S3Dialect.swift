// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// How S3 is spoken.
struct S3Dialect: ServiceDialect {
    let configuration: S3Configuration

    func bodyBytes(_ request: S3Request) -> Int { request.body?.readableBytes ?? 0 }

    func prepared(_ request: S3Request) throws -> HTTPClientRequest {
        try request.signed(configuration, at: SigningTime(secondsSince1970: Timestamp.now().seconds))
    }

    func errorCode(_ headers: HTTPHeaders, _ document: ByteBuffer) -> String? { S3Document.errorCode(document) }

    func hiddenErrorCode(_ document: ByteBuffer) -> String? { S3Document.errorCode(document) }
}
