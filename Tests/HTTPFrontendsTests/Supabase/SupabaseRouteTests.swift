// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing

@testable import HTTPFrontends

struct SupabaseRouteTests {
    @Test(
        arguments: [
            (.get, "/status", .status), (.get, "/version", .version), (.get, "/health", .health),
            (.post, "/bucket", .createBucket), (.post, "/bucket/", .createBucket), (.get, "/bucket", .listBuckets),
            (.get, "/bucket/", .listBuckets), (.get, "/bucket/b", .getBucket("b")), (.put, "/bucket/b", .updateBucket("b")),
            (.delete, "/bucket/b", .deleteBucket("b")), (.post, "/bucket/b/empty", .emptyBucket("b")),
            (.post, "/object/b/k", .upload(bucket: "b", key: "k")), (.put, "/object/b/f/k", .update(bucket: "b", key: "f/k")),
            (.post, "/object/upload/sign/b/k", .signUpload(bucket: "b", key: "k")),
            (.put, "/object/upload/sign/b/k", .uploadSigned(bucket: "b", key: "k")),
            (.post, "/object/upload/other", .upload(bucket: "upload", key: "other")),
            (.get, "/object/public/b/a///b", .download(.open, bucket: "b", key: "a///b")),
            (.get, "/object/authenticated/b/k", .download(.authenticated, bucket: "b", key: "k")),
            (.get, "/object/sign/b/k", .download(.signed, bucket: "b", key: "k")),
            (.get, "/object/b/k", .download(.either, bucket: "b", key: "k")),
            (.head, "/object/b/k", .head(.either, bucket: "b", key: "k")),
            (.head, "/object/public/b/k", .head(.open, bucket: "b", key: "k")),
            (.get, "/object/info/b/k", .info(.either, bucket: "b", key: "k", isHead: false)),
            (.get, "/object/info/public/b/k", .info(.open, bucket: "b", key: "k", isHead: false)),
            (.get, "/object/info/authenticated/b/k", .info(.authenticated, bucket: "b", key: "k", isHead: false)),
            (.head, "/object/info/b/k", .info(.either, bucket: "b", key: "k", isHead: true)),
            (.delete, "/object/b/k", .deleteObject(bucket: "b", key: "k")), (.delete, "/object/b", .deleteObjects(bucket: "b")),
            (.post, "/object/copy", .copy), (.post, "/object/move", .move),
            (.post, "/object/sign/b/f/k", .sign(bucket: "b", key: "f/k")), (.post, "/object/sign/b", .signMany(bucket: "b")),
            (.post, "/object/list/b", .list(bucket: "b")), (.post, "/object/list-v2/b", .listV2(bucket: "b")),
            (.post, "/object/copy/k", .upload(bucket: "copy", key: "k")), (.delete, "/cdn/b/k", .purge(path: "b/k")),
            (.post, "/object/b/a%2Fb", .upload(bucket: "b", key: "a%2Fb")),
        ] as [(HTTPRequest.Method, String, SupabaseRoute)])
    func tellsEveryCallByItsMethodAndPath(method: HTTPRequest.Method, path: String, route: SupabaseRoute) {
        #expect(SupabaseRoute(method: method, path: path[...]) == route)
    }

    @Test(
        arguments: [
            (.get, "/object"), (.get, "/object/b"), (.post, "/object/b"), (.get, "/bucket/b/c"), (.delete, "/bucket"),
            (.patch, "/object/b/k"),
            (.get, "/object/public/b"), (.post, "/bucket/b"), (.get, "/nothing"), (.get, "/status/x"), (.delete, "/object"),
            (.post, "/status"), (.get, ""), (.get, "object/b/k"), (.put, "/object/b"),
        ] as [(HTTPRequest.Method, String)])
    func knowsNoOther(method: HTTPRequest.Method, path: String) {
        #expect(SupabaseRoute(method: method, path: path[...]) == nil)
    }

    @Test func anyPathIsEitherACallOrNone() {
        var generator = SeededGenerator(seed: 7)
        let words = [
            "object", "bucket", "sign", "public", "authenticated", "info", "upload", "list", "copy", "", "b", "%2F", "..", "cdn",
            "\u{e9}",
        ]
        for _ in 0..<20_000 {
            let path =
                "/"
                + (0..<Int.random(in: 0...6, using: &generator)).map { _ in words.randomElement(using: &generator) ?? "" }
                .joined(separator: "/")
            for method in [HTTPRequest.Method.get, .head, .post, .put, .delete, .patch, .options] {
                _ = SupabaseRoute(method: method, path: path[...])?.operation
            }
        }
    }
}

/// A generator that gives the same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
