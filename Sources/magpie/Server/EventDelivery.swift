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
    let retry: Duration
    let logger: Logger

    func run() async throws {
        try await Webhook.with(webhook) { sink in
            let dispatcher = EventDispatcher(
                outbox: outbox, sink: sink, signal: signal, muting: muting, schedule: schedule, logger: logger)
            await cancelWhenGracefulShutdown { await dispatcher.run() }
        }
    }

    /// A delivery takes the timeout for the head of the answer, and as long again for its body; who takes events has time for three
    /// deliveries one after the other, and some to spare.
    private var schedule: EventDispatcher.Schedule {
        let delivery = max(1, (webhook.timeout * 2).wholeSeconds)
        return EventDispatcher.Schedule(
            interval: min(.seconds(2), retry), lease: delivery * 15 / 4, deliveryTime: delivery,
            backOff: BackOff(first: retry.wholeSeconds, longest: 3600))
    }
}

extension Duration {
    /// Rounded up.
    fileprivate var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}
