// SPDX-License-Identifier: Apache-2.0

import HTTPFrontends
import MediaCore

extension ServerConfiguration {
    /// bkend's interface, and what files of apps may weigh and hold.
    struct FileSettings: Sendable {
        var envelope: FilesEnvelope
    }
}

extension ServerConfiguration.FileSettings {
    init(_ settings: Settings) throws {
        envelope = try settings.choice("BKEND_ENVELOPE", of: FilesEnvelope.self)
    }
}
