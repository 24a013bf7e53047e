// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import HTTPFrontends

/// What is documented is what is served, and the other way round.
@Suite struct DescriptionTests {
    private static let descriptions = [
        SupabaseFrontend.description, PixaultAPIFrontend.description, ComputeFrontend.description, ConsoleFrontend.description,
        FilesAPIFrontend.description,
    ]

    /// Every route of the dialect. The switch below makes a new one a mistake of this file's until it is described.
    private enum SupabaseKind: CaseIterable {
        case status, version, health, createBucket, listBuckets, getBucket, updateBucket, deleteBucket, emptyBucket
        case upload, update, signUpload, uploadSigned, openDownload, tokenDownload, signedDownload, eitherDownload
        case openHead, tokenHead, signedHead, eitherHead, openInfo, tokenInfo, eitherInfo
        case openInfoHead, tokenInfoHead, eitherInfoHead, openRender, tokenRender, signedRender
        case deleteObject, deleteObjects, copy, move, sign, signMany, list, listV2, purge

        init?(_ route: SupabaseRoute) {
            switch route {
            case .status: self = .status
            case .version: self = .version
            case .health: self = .health
            case .createBucket: self = .createBucket
            case .listBuckets: self = .listBuckets
            case .getBucket: self = .getBucket
            case .updateBucket: self = .updateBucket
            case .deleteBucket: self = .deleteBucket
            case .emptyBucket: self = .emptyBucket
            case .upload: self = .upload
            case .update: self = .update
            case .signUpload: self = .signUpload
            case .uploadSigned: self = .uploadSigned
            case .download(.open, _, _): self = .openDownload
            case .download(.authenticated, _, _): self = .tokenDownload
            case .download(.signed, _, _): self = .signedDownload
            case .download(.either, _, _): self = .eitherDownload
            case .head(.open, _, _): self = .openHead
            case .head(.authenticated, _, _): self = .tokenHead
            case .head(.signed, _, _): self = .signedHead
            case .head(.either, _, _): self = .eitherHead
            case .info(.open, _, _, isHead: false): self = .openInfo
            case .info(.authenticated, _, _, isHead: false): self = .tokenInfo
            case .info(.either, _, _, isHead: false): self = .eitherInfo
            case .info(.open, _, _, isHead: true): self = .openInfoHead
            case .info(.authenticated, _, _, isHead: true): self = .tokenInfoHead
            case .info(.either, _, _, isHead: true): self = .eitherInfoHead
            case .render(.open, _, _): self = .openRender
            case .render(.authenticated, _, _): self = .tokenRender
            case .render(.signed, _, _): self = .signedRender
            case .info(.signed, _, _, _), .render(.either, _, _): return nil
            case .deleteObject: self = .deleteObject
            case .deleteObjects: self = .deleteObjects
            case .copy: self = .copy
            case .move: self = .move
            case .sign: self = .sign
            case .signMany: self = .signMany
            case .list: self = .list
            case .listV2: self = .listV2
            case .purge: self = .purge
            }
        }
    }

    private static func filled(_ route: APIRoute) -> Substring { route.path(filledWith: { "a-\($0)" })[...] }

    @Test func everyDescribedRouteOfSupabaseIsServedUnderItsName() throws {
        for route in SupabaseFrontend.description.routes {
            let served = try #require(
                SupabaseRoute(method: route.method, path: Self.filled(route)), "\(route.method) \(route.path)")
            #expect(served.operation == route.operation, "\(route.method) \(route.path)")
        }
    }

    @Test func everyServedRouteOfSupabaseIsDescribed() {
        let described = SupabaseFrontend.description.routes.compactMap { route in
            SupabaseRoute(method: route.method, path: Self.filled(route)).flatMap(SupabaseKind.init)
        }
        #expect(Set(described) == Set(SupabaseKind.allCases))
    }

    @Test func theRoutesOfComputeAreThoseThatAreDescribed() throws {
        var served: Set<String> = []
        for mount in ComputeRoute.mounts {
            for path in [mount, mount + "/{path}"] {
                let route = try #require(ComputeRoute(path: path[...]))
                for method in route.methods { served.insert("\(method) \(path) \(route.operation(method))") }
            }
        }
        let described = ComputeFrontend.description.routes.map { "\($0.method) \($0.path) \($0.operation)" }
        #expect(Set(described) == served)
        #expect(described.count == served.count)
    }

    @Test func everyDescribedRouteOfPixaultIsServedUnderItsName() throws {
        for described in PixaultAPIFrontend.description.routes {
            let served = try #require(PixaultAPIRoute(path: Self.filled(described)), "\(described.path)")
            #expect(served.operation == described.operation, "\(described.method) \(described.path)")
            #expect(served.methods.contains(described.method.rawValue), "\(described.method) \(described.path)")
        }
    }

    @Test func everyServedMethodOfPixaultIsDescribed() {
        let routes = Dictionary(grouping: PixaultAPIFrontend.description.routes) { $0.path }
        for (path, described) in routes {
            let served = Set(PixaultAPIRoute(path: Self.filled(described[0]))?.methods ?? []).subtracting(["HEAD"])
            #expect(Set(described.map(\.method.rawValue)) == served, "\(path)")
        }
    }

    @Test func everyDescribedRouteOfBkendIsServedUnderItsName() throws {
        for described in FilesAPIFrontend.description.routes {
            let served = try #require(FilesAPIRoute(path: Self.filled(described)), "\(described.path)")
            #expect(served.operation(described.method) == described.operation, "\(described.method) \(described.path)")
            #expect(served.methods.contains(described.method.rawValue), "\(described.method) \(described.path)")
        }
    }

    @Test func everyServedMethodOfBkendIsDescribed() {
        let routes = Dictionary(grouping: FilesAPIFrontend.description.routes) { $0.path }
        for (path, described) in routes {
            let served = Set(FilesAPIRoute(path: Self.filled(described[0]))?.methods ?? []).subtracting(["HEAD"])
            #expect(Set(described.map(\.method.rawValue)) == served, "\(path)")
        }
    }

    @Test(arguments: ["supabase", "pixault", "compute", "console", "bkend"])
    func aDocumentHasEveryRouteOnce(name: String) throws {
        let description = try #require(Self.descriptions.first { $0.name == name })
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(description.document(version: "1.2.3").utf8)) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        #expect(paths.values.reduce(0) { $0 + $1.count } == description.routes.count)
        #expect(document["openapi"] as? String == "3.1.0")
    }

    private func get(_ path: String, _ method: HTTPRequest.Method = .get) async throws -> TestResponse {
        let frontend = DocumentationFrontend(Self.descriptions, version: "1.2.3")
        return try await LiveServer { await frontend.respond(to: $0, context: $1) }.run { running in
            try await running.client.execute(uri: path, method: method)
        }
    }

    @Test func thePageLoadsNothingFromElsewhere() async throws {
        let response = try await get("/documentation")
        let text = String(buffer: response.body)
        #expect(response.status == .ok)
        #expect(!text.contains("<script") && !text.contains("src=") && !text.contains("http://") && !text.contains("https://"))
        for description in Self.descriptions {
            #expect(text.contains("/documentation/\(description.name).json"))
            #expect(try await get("/documentation/\(description.name).json").headers[.contentType] == "application/json")
        }
    }

    @Test(arguments: ["/documentation/none.json", "/documentation/../secrets.json", "/documentation/compute"])
    func otherDocumentsAreNotThere(path: String) async throws {
        #expect(try await get(path).status == .notFound)
    }

    @Test func itIsOnlyRead() async throws {
        #expect(try await get("/documentation", .post).status == .methodNotAllowed)
    }
}
