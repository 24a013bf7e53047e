// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPFrontends
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import MediaCore
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The front-ends behind a listener.
enum HTTPServer {
    /// - Throws: `ConfigurationError` when certificate or key can't be used.
    static func make(
        _ configuration: ServerConfiguration, _ secrets: Secrets, _ storage: Storage, service: Principal,
        publications: Publications?,
        sink: LogSink,
        registry: PrometheusRegistry, logger: Logger
    ) throws -> any Service {
        let observer = RequestObserver(
            log: AccessLog(sink: sink, level: configuration.logLevel), metrics: RequestMetrics(), usage: storage.usage)
        let cors = CORSPolicy(origins: configuration.corsOrigins.map { .only($0) } ?? .any)
        let isPlain = configuration.tls == nil
        let hotReads = HotReads()
        let domain = configuration.s3Domain
        let s3 = S3Frontend(
            storage: storage,
            configuration: S3Frontend.Configuration(
                anonymousKey: secrets.anonKey, region: secrets.s3Region, domain: domain,
                lifecycleDay: LifecycleDay(configuration.limits.lifecycleDay)))
        let responder = FrontendResponder(
            // S3 first, for below its own domain every path is a key.
            frontends: [s3] + frontends(configuration, storage, service, publications, hotReads, registry), cors: cors,
            observer: observer,
            sendsFiles: isPlain)
        let handlers = ConnectionHandlers(
            limits: ConnectionLimits(configuration.limits), cors: cors, observer: observer,
            hot: { S3Frontend.claims($0, domain: domain) ? s3.hotAnswer(to: $0) : hotReads.answer(to: $0) }, sendsFiles: isPlain)
        return Application(
            responder: responder, server: try listener(configuration, handlers),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: 1024,
                availableConnectionsDelegate: ConnectionAdmission(limit: configuration.limits.connections)),
            onServerRunning: { announce(configuration, at: $0.localAddress?.port, logger) }, logger: logger)
    }

    private static func frontends(
        _ configuration: ServerConfiguration, _ storage: Storage, _ service: Principal, _ publications: Publications?,
        _ hotReads: HotReads,
        _ registry: PrometheusRegistry
    ) -> [any Frontend] {
        let limits = configuration.limits
        let origin = PublicOrigin(url: configuration.publicURL, isTLS: configuration.tls != nil)
        return [
            OperationsFrontend(
                checks: [
                    ReadinessCheck("database") { try await storage.ping() },
                    ReadinessCheck("blobs") {
                        try await WriteProbe.run(in: configuration.blobDirectory)
                    },
                ], registry: registry),
            // A dialect that describes itself is added here.
            DocumentationFrontend(
                [
                    SupabaseFrontend.description, PixaultAPIFrontend.description, ComputeFrontend.description,
                    ConsoleFrontend.description, FilesAPIFrontend.description,
                ],
                version: Magpie.version),
            TUSFrontend(
                storage: storage,
                configuration: TUSFrontend.Configuration(maxUploadBytes: limits.upload, origin: origin)),
            // Ahead of the dialect whose paths it shares.
            ResumableUploadFrontend(
                storage: storage,
                configuration: ResumableUploadFrontend.Configuration(
                    maxUploadBytes: limits.upload, lifetime: limits.uploadExpiry.components.seconds, origin: origin)),
            // Ahead of the dialect whose first segment it shares.
            ComputeFrontend(
                storage: storage, publications: publications,
                configuration: ComputeFrontend.Configuration(
                    bucket: configuration.compute.bucket, maxUploadBytes: configuration.compute.uploadLimit, service: service,
                    key: configuration.compute.key.map(ComputeKey.init), origin: origin)),
            ConsoleFrontend(
                storage: storage,
                configuration: ConsoleFrontend.Configuration(
                    maxJSONBytes: min(limits.json, 64 << 10), origin: origin,
                    clientAddressField: configuration.accounts.clientAddressField)),
            PixaultAPIFrontend(
                storage: storage,
                configuration: PixaultAPIFrontend.Configuration(
                    maxJSONBytes: limits.json, maxWatermarkBytes: limits.watermark, origin: origin)),
            SupabaseFrontend(
                storage: storage,
                configuration: SupabaseFrontend.Configuration(
                    version: Magpie.version, maxJSONBytes: limits.json, maxUserMetadataBytes: limits.userMetadata,
                    sharedMaxAge: limits.sharedMaxAge),
                hotReads: hotReads),
            FilesAPIFrontend(
                storage: storage,
                configuration: FilesAPIFrontend.Configuration(
                    envelope: configuration.envelope, maxJSONBytes: limits.json, origin: origin,
                    clientAddressField: configuration.accounts.clientAddressField)),
            FilesFrontend(storage: storage, hotReads: hotReads),
            // Last, for its paths begin at the root.
            PixaultDeliveryFrontend(storage: storage, origin: origin, hotReads: hotReads),
        ]
    }

    private static func listener(_ configuration: ServerConfiguration, _ handlers: ConnectionHandlers) throws -> HTTPServerBuilder
    {
        let limits = configuration.limits
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: handlers.make(),
            httpDecoderConfiguration: .init(maxHeaderFieldSize: limits.header, maxHeaderListSize: limits.header))
        guard let tls = configuration.tls else { return .http1(configuration: http1) }
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(tls.certificateFile)
            var secure = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.keyFile, format: .pem)))
            // RFC 8996: older versions are not to be used.
            secure.minimumTLSVersion = .tlsv12
            let configuration = HTTP2ChannelConfiguration(idleTimeout: limits.idleTimeout, streamConfiguration: http1)
            return HTTPServerBuilder { [secure] responder in
                let base = try HTTP2UpgradeChannel(
                    tlsConfiguration: secure, configuration: configuration, responder: responder)
                return TLSListener(base: base, limits: ConnectionLimits(limits))
            }
        } catch {
            throw ConfigurationError("MAGPIE_TLS_CERTIFICATE, MAGPIE_TLS_KEY: the files can't be used (\(error))")
        }
    }

    /// Tells whoever started the server where it is.
    private static func announce(_ configuration: ServerConfiguration, at port: Int?, _ logger: Logger) {
        var configuration = configuration
        configuration.port = port ?? configuration.port
        do {
            try RunningServer.record(url: configuration.url, in: configuration.dataDirectory)
        } catch {
            logger.warning("`magpie keys` will not know this server's URL", metadata: ["error": "\(error)"])
        }
        let keys =
            configuration.dataDirectory == FileManager.default.currentDirectoryPath + "/data"
            ? "magpie keys" : "magpie keys --data-dir \(configuration.dataDirectory)"
        print("Magpie \(Magpie.version) is ready at \(configuration.url)")
        print("  data      \(configuration.dataDirectory)")
        print("  database  \(configuration.databaseURL == nil ? "private PostgreSQL" : "external PostgreSQL")")
        print("  keys      \(keys)")
        fflush(nil)
    }
}

extension ConnectionLimits {
    init(_ limits: ServerConfiguration.Limits) {
        self.init()
        headerBytes = limits.header
        targetBytes = limits.target
        headerTimeout = TimeAmount(limits.headerTimeout)
        idleTimeout = TimeAmount(limits.idleTimeout)
        bodyIdleTimeout = TimeAmount(limits.bodyTimeout)
        minimumBodyRate = limits.minBodyRate
        sendTimeout = TimeAmount(limits.sendTimeout)
    }
}
