// SPDX-License-Identifier: Apache-2.0

import EventSinks
import Logging
import MediaCore
import ServiceLifecycle

/// Delivers events until the server is asked to stop; what is not delivered by then is at the next start.
struct EventDelivery: Service {
    let webhook: Webhook.Configuration
    let outbox: any EventOutbox
    let signal: WakeSignal
    let muting: EventMuting
    let logger: Logger

    func run() async throws {
        try await Webhook.with(webhook) { sink in
            let dispatcher = EventDispatcher(outbox: outbox, sink: sink, signal: signal, muting: muting, logger: logger)
            await cancelWhenGracefulShutdown { await dispatcher.run() }
        }
    }
}
