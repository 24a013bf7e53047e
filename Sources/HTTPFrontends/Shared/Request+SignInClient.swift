// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension Request {
    /// Who asks, for limits and lists.
    /// - Parameter field: in which a proxy in front says whom it asks for, the last of a list. Nil: who connects is who asks.
    func signInClient(_ context: MagpieRequestContext, _ field: HTTPField.Name?) -> SignInClient {
        var address = context.channel?.remoteAddress?.ipAddress ?? ""
        if let field {
            let said = headers[values: field].last?.split(separator: ",").last ?? ""
            address = said.filter { $0 != " " }
        }
        return SignInClient(address: address, userAgent: headers[.userAgent] ?? "")
    }
}
