// SPDX-License-Identifier: Apache-2.0

import BlobStores

/// What is on or off.
enum Switch: String, CaseIterable { case on, off }

extension AddressPolicy {
    init(_ settings: Settings) throws {
        self = try settings.choice("BYOS_PRIVATE_ENDPOINTS", of: Switch.self) == .on ? .privateToo : .publicOnly
    }
}
