// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension HTTPField.Name {
    static let tusResumable = known("tus-resumable")
    static let tusVersion = known("tus-version")
    static let tusExtension = known("tus-extension")
    static let tusMaxSize = known("tus-max-size")
    static let tusChecksumAlgorithm = known("tus-checksum-algorithm")
    /// Supabase's: `1` on the answer to the request that completed the upload.
    static let tusComplete = known("tus-complete")
    static let uploadDeferLength = known("upload-defer-length")
    static let uploadMetadata = known("upload-metadata")
    static let uploadExpires = known("upload-expires")
    static let uploadConcat = known("upload-concat")
    static let uploadChecksum = known("upload-checksum")
    static let methodOverride = known("x-http-method-override")
    /// Supabase's: the token of a signed upload.
    static let signature = known("x-signature")
}
