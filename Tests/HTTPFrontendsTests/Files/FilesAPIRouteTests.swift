// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import Testing

@testable import HTTPFrontends

struct FilesAPIRouteTests {
    @Test(
        arguments: [
            ("/v1/auth/email/signup", FilesAPIRoute.signUp), ("/v1/auth/me/", .me), ("/v1/files", .files), ("/v1/files/", .files),
            ("/v1/files/presigned-url", .presign), ("/v1/files/upload", .presign), ("/v1/files/stats", .stats),
            ("/v1/files/multipart/init", .parts(.begin, upload: nil)),
            ("/v1/files/multipart/initiate", .parts(.begin, upload: nil)),
            ("/v1/files/multipart/presigned-url", .parts(.partURL, upload: nil)),
            ("/v1/files/multipart/u-1/part-url", .parts(.partURL, upload: "u-1")),
            ("/v1/files/multipart/u-1/complete", .parts(.complete, upload: "u-1")),
            ("/v1/files/f", .file("f", .whole)), ("/v1/files/f/download", .file("f", .downloadURL)),
            ("/v1/files/f/shares/a%2Fb", .file("f", .share("a/b"))), ("/v1/users/u/avatar", .avatar("u")),
            ("/v1/users/u/avatar/upload-url", .avatarUpload("u")), ("/v1", .unknown), ("/v1/", .unknown),
            ("/v1/data/x", .unknown),
            ("/v1/files//x", .unknown), ("/v1/files/%zz", .unknown), ("/v1/files/multipart", .unknown),
            ("/v1/files/multipart/init/x", .unknown), ("/v1/files/f/nothing", .unknown),
        ])
    func aPathIsOneRoute(path: String, route: FilesAPIRoute) {
        #expect(FilesAPIRoute(path: path[...]) == route)
    }

    @Test(arguments: ["/", "/v1x", "/v2/files", "/files", "/object/v1/files", ""])
    func otherPathsAreOthers(path: String) {
        #expect(FilesAPIRoute(path: path[...]) == nil)
    }

    @Test func whatIsOpenWithoutATokenOnlyReads() throws {
        for described in FilesAPIFrontend.description.routes where described.path.hasPrefix("/v1/files") {
            let route = try #require(FilesAPIRoute(path: described.path(filledWith: { $0 })[...]))
            #expect(route.isOpen(described.method) == !described.needsToken, "\(described.method) \(described.path)")
            let scope = try #require(route.scope(described.method), "\(described.path)")
            if route.isOpen(described.method) { #expect(scope == .read || scope == .list) }
        }
    }
}
