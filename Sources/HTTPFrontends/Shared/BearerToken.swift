// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Request {
    /// The token of `Authorization`, with or without `Bearer`. Without that header the one of `apikey`, which a gateway would have
    /// turned into it.
    var bearerToken: String? {
        guard let value = headers[.authorization] else { return headers[.apiKey] }
        let scheme = value.prefix(6)
        guard scheme.lowercased() == "bearer" else { return value }
        return String(value.dropFirst(6).drop { $0 == " " })
    }
}

extension HTTPField.Name {
    static let apiKey = known("apikey")
    static let upsert = known("x-upsert")
    static let userMetadata = known("x-metadata")
}
