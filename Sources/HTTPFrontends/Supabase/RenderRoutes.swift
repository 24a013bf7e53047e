// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension SupabaseCall {
    func render(_ kind: SupabaseRoute.ReadAccess, _ bucket: String, _ key: String) async throws -> Response {
        guard let variants = storage.variants else {
            throw SupabaseError.routeNotFound(method: request.method.rawValue, target: target)
        }
        let address = try address(bucket, key)
        let (access, options) = try rendering(kind, address)
        let variant = try await named(address) {
            try await variants.open(
                address, as: options.request, accepted: request.acceptedFormats, range: try range(),
                preconditions: request.readConditions, access: access)
        }
        let place = HotReads.Place(reads: frontend.hotReads, frontend: frontend.name, storage: storage)
        return try await .delivering(
            variant, headers: headers(variant, options, access), to: request, context, kept: kind == .open ? place : nil)
    }

    /// By what right, and what: a token says both, a query is not looked at then.
    private func rendering(
        _ kind: SupabaseRoute.ReadAccess, _ address: ObjectAddress
    ) throws -> (Access, RenderQuery) {
        switch kind {
        case .open: return (.publicBucket(facts), try RenderQuery(query, besides: RenderQuery.companions))
        case .authenticated, .either:
            return (.policy(try verifiedCaller()), try RenderQuery(query, besides: RenderQuery.companions))
        case .signed:
            let token = try query.requiredString("token")
            let grant = try storage.signedURLs.renderingGrant(token: token, address: address)
            let options = try RenderQuery(claim: grant.rendering?.transformations ?? "", format: grant.rendering?.format)
            return (.grant(grant, facts), options)
        }
    }

    private func headers(_ variant: DeliveredVariant, _ options: RenderQuery, _ access: Access) -> HTTPFields {
        var headers = HTTPFields()
        headers[.robotsTag] = Self.robots(variant.details)
        if case .grant = access {
            expires(access, &headers)
        } else {
            headers[.cacheControl] = readCacheControl(variant.details, tag: variant.entityTag)
        }
        let transformations = options.header
        if !transformations.isEmpty { headers[.transformations] = transformations }
        addDisposition(&headers)
        return headers
    }
}

extension HTTPField.Name {
    fileprivate static let transformations = known("x-transformations")
}
