// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// `NonisolatedNonsendingByDefault` stays off: with it a Hummingbird 2.28 middleware no longer conforms to its protocol.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "magpie",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "magpie", targets: ["magpie"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),  // the command line
        .package(url: "https://github.com/apple/swift-async-algorithms", exact: "1.1.4"),  // channels with back pressure
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),  // settings from environment and file
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),  // digests, HMAC, AES-GCM
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),  // header fields and status codes
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),  // logging
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),  // counters and timers
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),  // byte buffers, sockets, thread pool
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),  // HTTP types over NIO
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),  // TLS
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),  // the HTTP server
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),  // start, drain, stop
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),  // child processes
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),  // webhooks, S3 services
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),  // JSON Web Tokens
    ],
    targets: [
        // C edges
        .target(name: "CChecksums"),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(name: "CLinuxFiles"),
        .systemLibrary(name: "CUIO"),
        .systemLibrary(name: "CVips", pkgConfig: "vips", providers: [.apt(["libvips-dev"])]),
        .target(name: "VipsShim", dependencies: ["CVips"]),

        // Pure wire formats
        .target(
            name: "WireFormats",
            dependencies: [
                "CChecksums",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),

        // The rules
        .target(
            name: "MediaCore",
            dependencies: [
                "WireFormats",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),

        // Adapters
        .target(
            name: "BlobStores",
            dependencies: [
                "CLinuxFiles", "MediaCore", "WireFormats",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "PostgresMetadata",
            dependencies: [
                "CEpoll", "CLibPQ", "CLinuxFiles", "MediaCore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            resources: [.embedInCode("Migrations/SQL")],
            swiftSettings: settings),

        .target(
            name: "EventSinks",
            dependencies: [
                "MediaCore", "WireFormats",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),

        .target(
            name: "MediaProcessing",
            dependencies: [
                "MediaCore", "VipsShim", "WireFormats",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings),

        // Wire <-> core
        .target(
            name: "HTTPFrontends",
            dependencies: [
                "CUIO", "MediaCore", "WireFormats",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: settings),

        // The executable: the only target that sees everything
        .executableTarget(
            name: "magpie",
            dependencies: [
                "BlobStores", "EventSinks", "HTTPFrontends", "MediaCore", "MediaProcessing", "PostgresMetadata", "WireFormats",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // Working doubles and conformance suites' support
        .target(
            name: "MediaTesting",
            dependencies: [
                "MediaCore",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),

        .testTarget(
            name: "WireFormatsTests",
            dependencies: [
                "CChecksums", "MediaTesting", "WireFormats",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MediaCoreTests",
            dependencies: [
                "MediaCore", "MediaTesting", "WireFormats",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "BlobStoresTests",
            dependencies: [
                "BlobStores", "MediaCore", "MediaTesting", "WireFormats",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "EventSinksTests",
            dependencies: [
                "EventSinks", "MediaCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MediaProcessingTests",
            dependencies: [
                "MediaCore", "MediaProcessing", "MediaTesting", "WireFormats",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings),
        // Runs files through the image engine: for the corpus, the fuzzer and the benchmarks.
        .executableTarget(
            name: "media-probe",
            dependencies: [
                "MediaCore", "MediaProcessing",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Tests/Support/MediaProbe",
            swiftSettings: settings),
        // Converts files: for the corpus of foreign media and for the test that kills it.
        .executableTarget(
            name: "conversion-probe",
            dependencies: [
                "MediaCore", "MediaProcessing",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Tests/Support/ConversionProbe",
            swiftSettings: settings),
        .testTarget(
            name: "PostgresMetadataTests",
            dependencies: [
                "MediaCore", "MediaTesting", "PostgresMetadata",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HTTPFrontendsTests",
            dependencies: [
                "HTTPFrontends", "MediaCore", "MediaTesting", "WireFormats",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MagpieTests",
            dependencies: [
                "MediaCore", "magpie",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
    ]
)
