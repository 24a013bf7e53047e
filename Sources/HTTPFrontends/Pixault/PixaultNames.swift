// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The readable names of assets in URLs.
public enum PixaultNames {
    /// Whether a URL would take a name for something else: parameters of an image, a word of the interface, or an id.
    public static func isReserved(_ name: String) -> Bool {
        ImageParameters.isMeant(by: name) || PixaultAPIRoute.Resource.words.contains(name) || AssetID.isID(name)
    }
}
