// SPDX-License-Identifier: Apache-2.0

import HTTPFrontends
import Hummingbird
import HummingbirdHTTP2
import Logging
import MediaCore
import Metrics
import NIOCore
import NIOSSL

/// Puts the front-ends behind one listener.
///
/// - Parameter ready: called with the port once connections are accepted.
/// - Throws: `ConfigurationError` for a certificate or key that can't be used.
func makeApplication(
    _ configuration: ServerConfiguration, storage: Storage, observability: Observability, checks: [ReadinessCheck],
    ready: @escaping @Sendable (Int) -> Void
) throws -> some ApplicationProtocol {
    let listener = configuration.listener
    let cors = CORSPolicy(configuration.origins)
    let observer = RequestObserver(
        log: AccessLog(sink: observability.sink, level: observability.level), metrics: RequestMetrics())
    // Only plain HTTP/1 lets the kernel send files.
    let sendsFiles = listener.tls == nil
    let hotReads = HotReads()
    let frontends: [any Frontend] = [
        OperationsFrontend(checks: checks, registry: observability.registry),
        SupabaseFrontend(storage: storage, configuration: .init(configuration), hotReads: hotReads),
    ]
    let handlers = ConnectionHandlers(
        limits: ConnectionLimits(listener), cors: cors, observer: observer, hot: { hotReads.answer(to: $0) }, sendsFiles: sendsFiles)
    return Application(
        responder: FrontendResponder(frontends: frontends, cors: cors, observer: observer, sendsFiles: sendsFiles),
        server: try HTTPServerBuilder.magpie(listener, handlers),
        configuration: ApplicationConfiguration(
            address: .hostname(listener.host, port: listener.port), backlog: 1024,
            availableConnectionsDelegate: ConnectionAdmission(limit: listener.maxConnections)),
        onServerRunning: { channel in ready(channel.localAddress?.port ?? listener.port) },
        logger: Logger(label: "http"))
}

extension SupabaseFrontend.Configuration {
    fileprivate init(_ configuration: ServerConfiguration) {
        self.init(
            version: Version.current, maxJSONBytes: configuration.limits.json,
            maxUserMetadataBytes: configuration.limits.userMetadata,
            sharedMaxAge: Int(configuration.sharedMaxAge.components.seconds))
    }
}

extension CORSPolicy {
    fileprivate init(_ origins: ServerConfiguration.Origins) {
        switch origins {
        case .any: self.init(origins: .any)
        case .only(let known): self.init(origins: .only(known))
        }
    }
}

extension ConnectionLimits {
    fileprivate init(_ listener: ServerConfiguration.Listener) {
        self.init()
        headerBytes = listener.headerLimit
        headerTimeout = TimeAmount(listener.headerTimeout)
        idleTimeout = TimeAmount(listener.idleTimeout)
        bodyIdleTimeout = TimeAmount(listener.bodyTimeout)
    }
}

extension HTTPServerBuilder {
    fileprivate static func magpie(
        _ listener: ServerConfiguration.Listener, _ handlers: ConnectionHandlers
    ) throws -> HTTPServerBuilder {
        let decoder = ConnectionLimits(listener).decoder
        guard let tls = listener.tls else {
            return .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: handlers.make(), httpDecoderConfiguration: decoder))
        }
        return try .http2Upgrade(
            tlsConfiguration: tlsConfiguration(tls), additionalChannelHandlers: handlers.make())
    }

    private static func tlsConfiguration(_ files: ServerConfiguration.Listener.TLS) throws -> TLSConfiguration {
        let certificates: [NIOSSLCertificateSource]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(files.certificatePath).map { .certificate($0) }
        } catch {
            throw ConfigurationError(.tlsCertificate, "\(files.certificatePath) holds no certificate in PEM that can be read")
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: files.keyPath, format: .pem)
        } catch {
            throw ConfigurationError(.tlsKey, "\(files.keyPath) holds no private key in PEM that can be read")
        }
        return .makeServerConfiguration(certificateChain: certificates, privateKey: .privateKey(key))
    }
}
