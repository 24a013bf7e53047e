// SPDX-License-Identifier: Apache-2.0

/// What a project may be called: its name is a segment of paths beside those of every dialect.
public enum ProjectName {
    /// First segments of paths that belong to dialects, now or by plan: no project is made or delivered under such a name.
    public static let reserved: Set<String> = [
        "account", "admin", "api", "assets", "auth", "bucket", "cdn", "console", "docs", "documentation", "files", "functions",
        "graphql", "health", "healthz", "iceberg", "img", "login", "mcp", "metrics", "minio", "object", "plugins", "raw",
        "readyz", "realtime", "render", "rest", "s3", "static", "status", "storage", "upload", "v1", "v2", "vector", "version",
        "webhooks",
    ]

    /// Whether a text can name a project: lower-case letters, digits and hyphens, at most 63, the first no hyphen, and not reserved.
    public static func isName(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        return (1...63).contains(bytes.count) && bytes.first != UInt8(ascii: "-") && bytes.allSatisfy(isNameByte)
            && !reserved.contains(String(text))
    }

    /// The bucket of a project to be made.
    /// - Throws: `StorageError` with `.invalidBucketName` that says what is wrong.
    static func bucket(naming text: String) throws(StorageError) -> BucketID {
        guard isName(text) else {
            let rule =
                reserved.contains(text)
                ? "is the name of a path of the server"
                : "must be 1 to 63 lower-case letters, digits and hyphens, the first no hyphen"
            throw StorageError(.invalidBucketName, "The name of a project \(rule)", resource: String(text.prefix(128)))
        }
        return BucketID(stored: text)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
