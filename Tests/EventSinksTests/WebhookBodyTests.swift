// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import EventSinks

struct WebhookBodyTests {
    private let body = WebhookBody(region: "local", tenant: ("default", "media.example.org"))
    private let date = Timestamp(microseconds: 1_780_000_000_123_456)

    private func event(_ type: EventType) -> StorageEvent {
        StorageEvent(
            id: EventID(7), uuid: "u7", type: type,
            address: ObjectAddress(bucket: BucketID(stored: "photos"), key: ObjectKey(stored: "a/\"b\".png")),
            version: ObjectVersion(stored: "v1"), metadata: JSONText(trusted: #"{"size": 3}"#), uploadType: .standard,
            requestID: "r1", callerRequestID: "s1", date: date)
    }

    @Test func anUploadIsToldInSupabasesWords() {
        let text = body.text(of: event(.createdByPost), sentAt: Timestamp(seconds: 1_780_000_001))

        #expect(
            text == #"{"type":"Webhook","event":{"$version":"v1","type":"ObjectCreated:Post","region":"local","#
                + #""applyTime":1780000000123,"payload":{"tenant":{"ref":"default","host":"media.example.org"},"#
                + #""name":"a/\"b\".png","bucketId":"photos","version":"v1","metadata":{"size": 3},"#
                + #""uploadType":"standard","reqId":"r1","sbReqId":"s1"}},"sentAt":"2026-05-28T20:26:41.000Z","#
                + #""tenant":{"ref":"default","host":"media.example.org"}}"#)
    }

    @Test func aMoveNamesWhereTheObjectWas() {
        var moved = event(.createdByMove)
        moved.movedFrom = ObjectAddress(bucket: BucketID(stored: "old"), key: ObjectKey(stored: "c"))

        let text = body.text(of: moved, sentAt: date)

        #expect(text.contains(#""oldObject":{"name":"c","bucketId":"old","version":"v1","reqId":"r1"}"#))
    }

    @Test func whatIsNotKnownIsLeftOut() {
        let bare = StorageEvent(
            id: EventID(1), uuid: "u1", type: .removedByDelete,
            address: ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: "k")), date: date)

        let text = body.text(of: bare, sentAt: date)

        #expect(
            text.contains(
                #""payload":{"tenant":{"ref":"default","host":"media.example.org"},"name":"k","bucketId":"b"}"#))
    }

    // The digits come from `printf '1780000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_0123456789abcdef`.
    @Test func theSignatureIsTheOneThatOpenSSLMakes() {
        let value = WebhookSignature(secret: "whsec_0123456789abcdef").value(
            of: #"{"a":1}"#, at: Timestamp(seconds: 1_780_000_000))

        #expect(value == "t=1780000000,v1=c9ca5c431a51f60956a681fe3b6ff0fcd024aac43c162c484401b468da904468")
    }
}
