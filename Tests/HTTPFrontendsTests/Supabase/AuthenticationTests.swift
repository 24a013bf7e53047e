// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing

struct AuthenticationTests {
    @Test(
        arguments: [
            (.get, "/bucket"), (.post, "/bucket"), (.get, "/bucket/b"), (.put, "/bucket/b"), (.delete, "/bucket/b"),
            (.post, "/bucket/b/empty"),
            (.post, "/object/b/k"), (.put, "/object/b/k"), (.delete, "/object/b/k"), (.delete, "/object/b"),
            (.post, "/object/copy"),
            (.post, "/object/move"), (.post, "/object/sign/b/k"), (.post, "/object/sign/b"), (.post, "/object/upload/sign/b/k"),
            (.post, "/object/list/b"), (.get, "/object/authenticated/b/k"), (.get, "/object/info/authenticated/b/k"),
            (.delete, "/cdn/b"),
        ] as [(HTTPRequest.Method, String)])
    func everyProtectedRouteAsksForAuthorization(method: HTTPRequest.Method, target: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.send(method, target, token: nil, headers: [.contentType: "application/json"], body: "{}")

        #expect(
            answer.body
                == #"{"statusCode":"400","error":"Error","message":"headers must have required property 'authorization'","code":"InvalidRequest"}"#
        )
        #expect(answer.status == 400)
    }

    @Test(arguments: ["nonsense", "a.b.c", ""])
    func aMalformedTokenIsUnauthorized(token: String) async throws {
        let api = try await SupabaseFixture()

        #expect(try await api.get("/bucket", as: token).refusal == ["400", "403", "Unauthorized"])
    }

    @Test(arguments: ["bearer ", "BEARER    ", ""])
    func theSchemeIsReadInAnyForm(scheme: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.send(.get, "/bucket", token: nil, headers: [.authorization: scheme + api.service])

        #expect(answer.status == 200)
    }

    @Test func theKeyOfAGatewayStandsInForAMissingAuthorization() async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.send(.get, "/bucket", token: nil, headers: [.named("apikey"): api.service])

        #expect(answer.status == 200)
    }

    @Test(arguments: [(HTTPRequest.Method.post, "/object/list-v2/b"), (.get, "/health")])
    func routesWithoutAHeaderRuleCallAMissingTokenInvalid(method: HTTPRequest.Method, target: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.send(method, target, token: nil, headers: [.contentType: "application/json"], body: "{}")

        #expect(answer.refusal == ["400", "403", "Unauthorized"])
    }

    @Test(arguments: ["text", "text/pl\tain", "\t"])
    func anUnreadableContentTypeIsRefusedOnEveryRoute(type: String) async throws {
        let api = try await SupabaseFixture()

        for target in ["/bucket", "/object/b/k", "/nothing/of/ours"] {
            let answer = try await api.send(.post, target, token: nil, headers: [.contentType: type], body: "x")
            if target.hasPrefix("/nothing") {
                #expect(answer.headers[.server] == "nobody")
            } else {
                #expect(
                    answer.body
                        == #"{"statusCode":"415","error":"invalid_mime_type","message":"Invalid Content-Type header","code":"InvalidMimeType"}"#
                )
            }
        }
    }

    @Test(arguments: ["/object/x?y=1", "/bucket/a/b/c", "/storage/v1/nothing"])
    func anUnknownRouteIsNamed(target: String) async throws {
        let api = try await SupabaseFixture()

        let answer = try await api.get(target)

        #expect(answer.status == 404)
        #expect(
            answer.body
                == #"{"statusCode":"404","error":"Not Found","message":"Route GET:\#(target) not found","code":"InvalidRequest"}"#
        )
    }

    @Test func bothMountPointsAreTheSame() async throws {
        let api = try await SupabaseFixture()
        try await api.makeBucket()

        #expect(try await api.get("/storage/v1/bucket/b").body == api.get("/bucket/b").body)
        #expect(try await api.get("/storage/v10/bucket/b").headers[.server] == "nobody")
    }

    @Test func theServerTellsThatItIsThere() async throws {
        let api = try await SupabaseFixture()

        #expect(try await api.getWithoutToken(.get, "/status").status == 200)
        #expect(try await api.getWithoutToken(.get, "/version").body == "1.2.3")
        #expect(try await api.get("/health").body == #"{"healthy":true}"#)
    }

    @Test func purgingNeedsTheServiceRoleAndACDN() async throws {
        let api = try await SupabaseFixture()

        #expect(try await api.call(.delete, "/cdn/b/k", as: api.user).refusal == ["403", "403", "Unauthorized"])
        #expect(try await api.call(.delete, "/cdn/b/k").refusal == ["400", "400", "MissingParameter"])
        #expect(try await api.call(.delete, "/cdn/b/").status == 400)
    }
}
