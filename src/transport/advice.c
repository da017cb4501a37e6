/*
 * advice: see the header. The first row that fits counts, so that special cases come before the
 * general one of their kind.
 */
#include "transport/advice.h"

struct row {
    enum mk_failure_kind kind;
    unsigned least; /* of the status; 0 with `most` 0: any */
    unsigned most;
    unsigned traits; /* that the remote must have */
    struct mk_advice advice;
};

#define ANY 0, 0, 0

#define SAY(trouble, en, zh)                                                                       \
    {                                                                                              \
        MK_TROUBLE_##trouble,                                                                      \
        {                                                                                          \
            en, zh                                                                                 \
        }                                                                                          \
    }

static const struct row rows[] = {
    { MK_FAILURE_NONE, ANY, SAY(NONE, NULL, NULL) },

    /* --- no connection --- */
    { MK_FAILURE_NAME, ANY,
      SAY(NAME,
          "the name of the host does not exist: check the spelling of the host in the url, and "
          "`getent hosts NAME` on this machine",
          "主机名不存在：请检查 url 中主机名的拼写，并在本机执行 `getent hosts 主机名`") },
    { MK_FAILURE_NAME_SERVER, ANY,
      SAY(NAME,
          "the DNS of this machine does not answer at the moment: check its network and "
          "/etc/resolv.conf; the name itself may be right",
          "本机的 DNS 暂时没有应答：请检查网络与 /etc/resolv.conf；主机名本身可能没有问题") },
    { MK_FAILURE_REFUSED, ANY,
      SAY(UNREACHABLE,
          "there is no answer, for nothing listens there: is that program running, at this host "
          "and port?",
          "对方无应答，该处没有程序在监听：对方程序是否正在此主机与端口上运行？") },
    { MK_FAILURE_UNREACHABLE, ANY,
      SAY(UNREACHABLE,
          "there is no way to that host: check the network, routes and VPN of this machine, and "
          "that the host is switched on",
          "无法到达该主机：请检查本机的网络、路由与 VPN，以及该主机是否开机") },
    { MK_FAILURE_FORBIDDEN, ANY,
      SAY(HERE,
          "this machine does not allow the connection: check its firewall, the sandboxing of the "
          "service, and the proxy of the environment",
          "本机不允许该连接：请检查本机的防火墙、服务的沙箱限制与环境中的代理设置") },
    { MK_FAILURE_CONNECT_TIMEOUT, ANY,
      SAY(SLOW,
          "the host does not react at all: check host and port; a firewall on the way may drop the "
          "packets",
          "该主机毫无反应：请检查主机与端口；途中的防火墙可能丢弃了数据包") },

    /* --- no TLS connection --- */
    { MK_FAILURE_CERTIFICATE_EXPIRED, ANY,
      SAY(TLS,
          "the certificate of the other side has expired: renew it there, and check the clock of "
          "this machine",
          "对方的证书已过期：请在对方更新证书，并检查本机的时钟") },
    { MK_FAILURE_CERTIFICATE_EARLY, ANY,
      SAY(TLS,
          "the certificate of the other side is not valid yet: check the clocks of both machines",
          "对方的证书尚未生效：请检查两台机器的时钟") },
    { MK_FAILURE_CERTIFICATE_SELF_SIGNED, ANY,
      SAY(TLS,
          "the other side has a self-signed certificate: name its file as `tls.ca` of this entry "
          "to "
          "trust it",
          "对方使用自签名证书：如要信任它，请在此条目的 `tls.ca` 中给出该证书文件") },
    { MK_FAILURE_CERTIFICATE_ISSUER, ANY,
      SAY(TLS,
          "the issuer of the certificate is not trusted here: name the authority's file as "
          "`tls.ca` "
          "of this entry, or let the other side send its whole chain",
          "本机不信任该证书的签发者：请在此条目的 `tls.ca` 中给出签发机构的证书，或让对方发送完整的"
          "证书链") },
    { MK_FAILURE_CERTIFICATE_HOST, ANY,
      SAY(TLS,
          "the certificate is for another name: use the name that it is for in the url, or get one "
          "for this name",
          "证书属于其他名称：请在 url 中使用证书上的名称，或为此名称签发证书") },
    { MK_FAILURE_CERTIFICATE, ANY,
      SAY(TLS,
          "the certificate of the other side is not accepted: check it there, and `tls` in the "
          "configuration",
          "对方的证书未被接受：请检查对方的证书与配置中的 `tls`") },
    { MK_FAILURE_CERTIFICATE_WANTED, ANY,
      SAY(TLS,
          "the other side demands a certificate of this client, or does not accept the one it got: "
          "set `tls.certificate` and `tls.key` of this entry",
          "对方要求客户端证书，或不接受现有的证书：请设置此条目的 `tls.certificate` 与 "
          "`tls.key`") },
    { MK_FAILURE_NO_TLS, 0, 0, MK_REMOTE_WEBSOCKET,
      SAY(TLS,
          "this port speaks no TLS: begin the url with ws:// instead of wss://, or name the TLS "
          "port",
          "该端口不使用 TLS：url 应以 ws:// 而不是 wss:// 开头，或改用 TLS 端口") },
    { MK_FAILURE_NO_TLS, ANY,
      SAY(TLS,
          "this port speaks no TLS: begin the url with http:// instead of https://, or name the "
          "TLS "
          "port",
          "该端口不使用 TLS：url 应以 http:// 而不是 https:// 开头，或改用 TLS 端口") },
    { MK_FAILURE_TLS_CLOSED, ANY,
      SAY(TLS,
          "does this port speak TLS at all? If it does, the log of the other side says why it "
          "ended "
          "the handshake",
          "该端口是否使用 TLS？如果使用，对方的日志会说明为何中断握手") },
    { MK_FAILURE_TLS_TIMEOUT, ANY,
      SAY(TLS,
          "the port accepts connections but does not continue the TLS handshake: does it speak "
          "TLS? "
          "Is that program stuck?",
          "该端口接受连接但不继续 TLS 握手：它是否使用 TLS？对方程序是否卡住？") },
    { MK_FAILURE_TLS, ANY,
      SAY(TLS,
          "both sides find no common TLS: check the versions and ciphers of the other side (1.2 or "
          "newer is needed) and its log",
          "双方无法协商 TLS：请检查对方的 TLS 版本与加密套件（需要 1.2 或更新）及其日志") },

    /* --- no valid answer --- */
    { MK_FAILURE_IS_TLS, 0, 0, MK_REMOTE_WEBSOCKET,
      SAY(TLS, "this port speaks TLS: begin the url with wss:// instead of ws://",
          "该端口使用 TLS：url 应以 wss:// 而不是 ws:// 开头") },
    { MK_FAILURE_IS_TLS, ANY,
      SAY(TLS, "this port speaks TLS: begin the url with https:// instead of http://",
          "该端口使用 TLS：url 应以 https:// 而不是 http:// 开头") },
    { MK_FAILURE_TIMEOUT, 0, 0, MK_REMOTE_WEBSOCKET,
      SAY(SLOW,
          "it accepts the connection but does not answer the handshake in time: is that program "
          "stuck, or is this the port of something else?",
          "对方接受连接但未及时应答握手：该程序是否卡住，或此端口属于其他服务？") },
    { MK_FAILURE_TIMEOUT, ANY,
      SAY(SLOW,
          "it does not answer in time: answer first and work afterwards, and look whether that "
          "program is stuck",
          "对方未及时应答：接收方应先应答再处理；请检查该程序是否卡住") },
    { MK_FAILURE_NO_ANSWER, 0, 0, MK_REMOTE_WEBSOCKET | MK_REMOTE_PLAIN,
      SAY(ADDRESS,
          "something listens there and hangs up: is it a WebSocket server? If the port speaks TLS, "
          "the url begins with wss://; else look into the log of that program",
          "该处有程序监听但直接挂断：它是 WebSocket 服务器吗？如果该端口使用 TLS，url 应以 wss:// "
          "开头；否则请查看该程序的日志") },
    { MK_FAILURE_NO_ANSWER, 0, 0, MK_REMOTE_WEBHOOK | MK_REMOTE_PLAIN,
      SAY(ADDRESS,
          "something listens there and hangs up: is it an HTTP server? If the port speaks TLS, the "
          "url begins with https://; else look into the log of that program",
          "该处有程序监听但直接挂断：它是 HTTP 服务器吗？如果该端口使用 TLS，url 应以 https:// "
          "开头；否则请查看该程序的日志") },
    { MK_FAILURE_NO_ANSWER, ANY,
      SAY(ADDRESS,
          "it hangs up when it gets the request: look into the log of that program, or of the "
          "proxy "
          "before it",
          "对方收到请求后直接挂断：请查看该程序或其前面代理的日志") },
    { MK_FAILURE_CLOSED, ANY,
      SAY(UNREACHABLE,
          "the connection broke off: did that program, or a proxy before it, stop or crash? Look "
          "into its log",
          "连接中断：对方程序或其前面的代理是否停止或崩溃？请查看其日志") },
    { MK_FAILURE_NOT_HTTP, ANY,
      SAY(ADDRESS, "another service listens at this port: check the port in the url",
          "此端口上是其他服务：请检查 url 中的端口") },
    { MK_FAILURE_PROTOCOL, ANY,
      SAY(PROTOCOL,
          "its answer violates HTTP/1.1 in the part that is shown: that is to be mended in that "
          "program, or in the proxy before it",
          "对方的应答在所示部分违反 HTTP/1.1：需要在对方程序或其前面的代理中修正") },
    { MK_FAILURE_TOO_LONG, ANY,
      SAY(PROTOCOL,
          "its answer is longer than is accepted: is this the right service, and the right path?",
          "对方的应答超过可接受的长度：服务与路径是否正确？") },

    /* --- statuses of a WebSocket's handshake --- */
    { MK_FAILURE_STATUS, 200, 299, MK_REMOTE_WEBSOCKET,
      SAY(ADDRESS,
          "an HTTP server answers there, but not with a WebSocket: check the path of the url, and "
          "that a proxy on the way passes `Upgrade`",
          "该处是 HTTP 服务而不是 WebSocket：请检查 url 的路径，以及途中的代理是否转发 "
          "`Upgrade`") },
    { MK_FAILURE_STATUS, 300, 399, 0,
      SAY(ADDRESS, "redirects are not followed: set the url to the address that it redirects to",
          "不会跟随重定向：请把 url 设为重定向的目标地址") },
    { MK_FAILURE_STATUS, 400, 400, MK_REMOTE_WEBSOCKET,
      SAY(ADDRESS,
          "it takes the handshake for malformed: check that the path is that of a WebSocket, and "
          "that a proxy on the way passes `Upgrade` and `Connection`; its log may say more",
          "对方认为握手格式错误：请确认路径是 WebSocket，且途中的代理转发 `Upgrade` 与 "
          "`Connection`；其日志可能有更多信息") },
    { MK_FAILURE_STATUS, 400, 400, 0,
      SAY(FAILING,
          "it takes the event for malformed: does it expect another dialect, or another program's "
          "events? Look into its log",
          "对方认为事件格式错误：它是否需要另一种 dialect，或其他程序的事件？请查看其日志") },
    { MK_FAILURE_STATUS, 401, 401, MK_REMOTE_NO_TOKEN,
      SAY(TOKEN,
          "it does not accept the credentials, for none are configured: set the access_token that "
          "it expects",
          "对方不接受凭据：此处没有配置凭据，请设置它所期望的 access_token") },
    { MK_FAILURE_STATUS, 401, 401, 0,
      SAY(TOKEN, "it does not accept the credentials: set the access_token that it expects",
          "对方不接受凭据：请设置它所期望的 access_token") },
    { MK_FAILURE_STATUS, 403, 403, MK_REMOTE_NO_TOKEN | MK_REMOTE_ORIGIN,
      SAY(TOKEN,
          "it refuses this client: does it expect an access_token, which is not configured, or "
          "another `origin`? Does it allow the address of this machine?",
          "对方拒绝此客户端：它是否需要 access_token（此处没有配置），或另一个 "
          "`origin`？它是否允许本"
          "机的地址？") },
    { MK_FAILURE_STATUS, 403, 403, MK_REMOTE_ORIGIN,
      SAY(TOKEN,
          "it refuses this client: check the access_token and the `origin` that it expects, and "
          "whether it allows the address of this machine",
          "对方拒绝此客户端：请检查它所期望的 access_token 与 "
          "`origin`，以及它是否允许本机的地址") },
    { MK_FAILURE_STATUS, 403, 403, MK_REMOTE_NO_TOKEN | MK_REMOTE_WEBSOCKET,
      SAY(TOKEN,
          "no access_token is configured: set the one that it expects, if it has one; it may also "
          "expect an `origin`, or not allow the address of this machine",
          "没有配置 access_token：如果对方有，请设置；它也可能需要 `origin`，或不允许本机的地址") },
    { MK_FAILURE_STATUS, 403, 403, MK_REMOTE_NO_TOKEN,
      SAY(TOKEN,
          "no access_token is configured: set the one that it expects, if it has one; it may also "
          "not allow the address of this machine",
          "没有配置 access_token：如果对方有，请设置；它也可能不允许本机的地址") },
    { MK_FAILURE_STATUS, 403, 403, MK_REMOTE_WEBSOCKET,
      SAY(TOKEN,
          "check that the access_token is the one that it expects; it may also expect an `origin`, "
          "or not allow the address of this machine",
          "请确认 access_token 是对方所期望的；它也可能需要 `origin`，或不允许本机的地址") },
    { MK_FAILURE_STATUS, 403, 403, 0,
      SAY(TOKEN,
          "check that the access_token is the one that it expects; it may also not allow the "
          "address of this machine",
          "请确认 access_token 是对方所期望的；它也可能不允许本机的地址") },
    { MK_FAILURE_STATUS, 404, 404, 0,
      SAY(ADDRESS, "the service is not at this address: check the path of the url",
          "该地址上没有所需的服务：请检查 url 的路径") },
    { MK_FAILURE_STATUS, 405, 405, MK_REMOTE_WEBSOCKET,
      SAY(ADDRESS,
          "there is something else than a WebSocket at this path: check the path of the url",
          "此路径上不是 WebSocket：请检查 url 的路径") },
    { MK_FAILURE_STATUS, 405, 405, 0,
      SAY(ADDRESS, "this path takes no POST: check the path of the url",
          "此路径不接受 POST：请检查 url 的路径") },
    { MK_FAILURE_STATUS, 407, 407, 0,
      SAY(TOKEN, "the proxy wants a user and a password: set them in its URL in the environment",
          "代理需要用户名和密码：请在环境变量中代理的 URL 里设置") },
    { MK_FAILURE_STATUS, 408, 408, 0,
      SAY(SLOW, "it waited in vain for the request: is the network between the two slow?",
          "对方未等到完整的请求：两者之间的网络是否缓慢？") },
    { MK_FAILURE_STATUS, 410, 410, MK_REMOTE_WEBHOOK,
      SAY(GONE,
          "it says that nothing is there any more (410): change the url, or take the webhook out",
          "对方表示该地址已停用（410）：请更改 url，或删除此 webhook") },
    { MK_FAILURE_STATUS, 410, 410, 0,
      SAY(GONE,
          "it says that nothing is there any more (410): change the url, or take this entry out",
          "对方表示该地址已停用（410）：请更改 url，或删除此条目") },
    { MK_FAILURE_STATUS, 413, 413, 0,
      SAY(FAILING,
          "the event is longer than it accepts: raise the limit of that program or its proxy",
          "事件超过对方接受的长度：请提高对方程序或其代理的限制") },
    { MK_FAILURE_STATUS, 415, 415, 0,
      SAY(FAILING, "it does not accept application/json: is that the right path of that program?",
          "对方不接受 application/json：路径是否正确？") },
    { MK_FAILURE_STATUS, 421, 421, 0,
      SAY(ADDRESS,
          "the server there is not responsible for this host name: check the host of the url",
          "该服务器不负责此主机名：请检查 url 的主机") },
    { MK_FAILURE_STATUS, 426, 426, MK_REMOTE_WEBSOCKET,
      SAY(PROTOCOL,
          "it demands another protocol or WebSocket version than 13 (RFC 6455), or a proxy on the "
          "way removes `Upgrade`: check the proxy, and update that program",
          "对方要求其他协议或 13（RFC 6455）以外的 WebSocket 版本，或途中的代理去掉了 `Upgrade`："
          "请检查代理，并更新对方程序") },
    { MK_FAILURE_STATUS, 426, 426, 0,
      SAY(ADDRESS,
          "it wants another protocol than a POST over HTTP/1.1: is this the address of a "
          "WebSocket?",
          "对方要求 HTTP/1.1 POST 以外的协议：这是否是 WebSocket 的地址？") },
    { MK_FAILURE_STATUS, 429, 429, 0,
      SAY(BUSY,
          "it asks to wait, for its limit is reached: it is tried again when that time is over",
          "对方要求等待：已达到其限制；到时间后会重试") },
    { MK_FAILURE_STATUS, 502, 502, 0,
      SAY(FAILING, "a proxy answers, but the program behind it does not: is that program running?",
          "应答的是代理，而其后的程序没有应答：该程序是否正在运行？") },
    { MK_FAILURE_STATUS, 503, 503, 0,
      SAY(BUSY, "it asks to wait: its limit is reached, or it is not ready yet",
          "对方要求等待：达到其限制，或尚未就绪") },
    { MK_FAILURE_STATUS, 504, 504, 0,
      SAY(SLOW, "a proxy answers, but the program behind it is too slow: is that program stuck?",
          "应答的是代理，而其后的程序过慢：该程序是否卡住？") },
    { MK_FAILURE_STATUS, 0, 0, MK_REMOTE_WEBHOOK,
      SAY(FAILING,
          "it fails: look into the log of that program; `milky deliveries` lists what it refused "
          "for "
          "good",
          "对方出错：请查看该程序的日志；`milky deliveries` 可列出被拒绝的事件") },
    { MK_FAILURE_STATUS, 500, 599, 0,
      SAY(FAILING, "it fails: look into the log of that program", "对方出错：请查看该程序的日志") },
    { MK_FAILURE_STATUS, ANY,
      SAY(FAILING, "it refuses the request: look into the log of that program for the reason",
          "对方拒绝请求：请在该程序的日志中查看原因") },

    /* --- the rest of a WebSocket's handshake --- */
    { MK_FAILURE_HANDSHAKE, ANY,
      SAY(PROTOCOL,
          "it switches protocols, but not as a WebSocket server does: is that the right program "
          "and "
          "path? A proxy on the way may change or cache its answer",
          "对方切换了协议，但不符合 "
          "WebSocket：程序与路径是否正确？途中的代理可能改动或缓存了应答") },
    { MK_FAILURE_EXTENSION, ANY,
      SAY(PROTOCOL,
          "it does not negotiate compression as RFC 7692 says: set `compression` of this entry to "
          "false, and report it to the makers of that program",
          "对方未按 RFC 7692 协商压缩：请将此条目的 `compression` 设为 "
          "false，并向对方程序的作者反馈") },
    { MK_FAILURE_SUBPROTOCOL, ANY,
      SAY(PROTOCOL,
          "it insists on a subprotocol, which Milky has none of: is that a server for Milky's "
          "bots, "
          "and the right path?",
          "对方坚持使用子协议，而 Milky 没有子协议：它是否是 Milky 的服务端，路径是否正确？") },

    /* --- the end of a WebSocket --- */
    { MK_FAILURE_CLOSE, 1000, 1000, 0,
      SAY(CLOSED,
          "it ended the connection on purpose: if that repeats, look whether another client takes "
          "this one's place there",
          "对方正常关闭了连接：如果反复出现，请检查是否有其他客户端取代了此连接") },
    { MK_FAILURE_CLOSE, 1001, 1001, 0,
      SAY(CLOSED, "that program is stopping or restarting: it is tried again",
          "对方程序正在停止或重启：会自动重试") },
    { MK_FAILURE_CLOSE, 1002, 1002, 0,
      SAY(PROTOCOL,
          "it takes a frame of milky's for a violation of the protocol: check for a proxy on the "
          "way "
          "that changes frames; `compression` false may help",
          "对方认为 milky 的某个帧违反协议：请检查途中是否有改动帧的代理；将 `compression` 设为 "
          "false "
          "可能有用") },
    { MK_FAILURE_CLOSE, 1003, 1003, 0,
      SAY(PROTOCOL,
          "it does not take text messages: is that a server for Milky's bots, and the right path?",
          "对方不接受文本消息：它是否是 Milky 的服务端，路径是否正确？") },
    { MK_FAILURE_CLOSE, 1005, 1005, 0,
      SAY(CLOSED, "it gave no reason: look into the log of that program",
          "对方没有给出原因：请查看该程序的日志") },
    { MK_FAILURE_CLOSE, 1007, 1007, 0,
      SAY(PROTOCOL,
          "it cannot read a message of milky's: if it is compressed, set `compression` of this "
          "entry "
          "to false; else look into the log of that program",
          "对方无法读取 milky 的消息：如果启用了压缩，请将此条目的 `compression` 设为 "
          "false；否则请查看"
          "该程序的日志") },
    { MK_FAILURE_CLOSE, 1008, 1008, MK_REMOTE_NO_TOKEN,
      SAY(TOKEN,
          "its rules do not allow this client: set the access_token that it expects, for none is "
          "configured; else the reason above and its log say which rule",
          "对方的规则不允许此客户端：没有配置 "
          "access_token，请设置它所期望的；否则请看上面的原因与其"
          "日志") },
    { MK_FAILURE_CLOSE, 1008, 1008, 0,
      SAY(TOKEN,
          "its rules do not allow this client: check the access_token that it expects; the reason "
          "above and its log say which rule",
          "对方的规则不允许此客户端：请检查它所期望的 access_token；上面的原因与其日志会说明是哪条"
          "规则") },
    { MK_FAILURE_CLOSE, 1009, 1009, 0,
      SAY(FAILING,
          "a message of milky's is longer than it accepts: raise the limit of messages of that "
          "program, or of the proxy before it",
          "milky 的消息超过对方接受的长度：请提高对方程序或其代理的消息长度限制") },
    { MK_FAILURE_CLOSE, 1010, 1010, 0,
      SAY(PROTOCOL,
          "it misses an extension in the handshake: allow `compression` in this entry if it was "
          "turned off",
          "对方要求握手中的扩展：如果此条目关闭了 `compression`，请打开") },
    { MK_FAILURE_CLOSE, 1011, 1011, 0,
      SAY(FAILING, "that program has failed: look into its log", "对方程序出错：请查看其日志") },
    { MK_FAILURE_CLOSE, 1012, 1012, 0,
      SAY(CLOSED, "that program restarts: it is tried again", "对方程序正在重启：会自动重试") },
    { MK_FAILURE_CLOSE, 1013, 1013, 0,
      SAY(BUSY,
          "it asks to wait: it is overloaded, or has as many connections as it accepts; it is "
          "tried "
          "again",
          "对方要求等待：它已过载，或连接数已满；会自动重试") },
    { MK_FAILURE_CLOSE, 1014, 1014, 0,
      SAY(FAILING,
          "a proxy closes it, since the program behind it does not answer well: is that "
          "program running?",
          "代理因其后的程序应答异常而关闭连接：该程序是否正在运行？") },
    { MK_FAILURE_CLOSE, 1015, 1015, 0,
      SAY(TLS, "it reports a failure of TLS behind it: check the certificates there",
          "对方报告其后的 TLS 失败：请检查该处的证书") },
    { MK_FAILURE_CLOSE, 3000, 3000, 0,
      SAY(TOKEN, "it does not accept the credentials: set the access_token that it expects",
          "对方不接受凭据：请设置它所期望的 access_token") },
    { MK_FAILURE_CLOSE, 3003, 3003, 0,
      SAY(TOKEN,
          "it refuses this client: check the access_token that it expects, and the rights of this "
          "bot there",
          "对方拒绝此客户端：请检查它所期望的 access_token 与此 Bot 在该处的权限") },
    { MK_FAILURE_CLOSE, 3008, 3008, 0,
      SAY(SLOW, "it waited too long for this client: look into the log of that program",
          "对方等待此客户端超时：请查看该程序的日志") },
    { MK_FAILURE_CLOSE, 3000, 3999, 0,
      SAY(CLOSED, "this code is of a library or framework: its documentation has the meaning",
          "此代码由库或框架定义：含义见其文档") },
    { MK_FAILURE_CLOSE, 4000, 4999, 0,
      SAY(CLOSED,
          "this code is that program's own: the reason above, its documentation or its log has the "
          "meaning",
          "此代码由对方程序自定义：含义见上面的原因、其文档或日志") },
    { MK_FAILURE_CLOSE, ANY,
      SAY(CLOSED, "this code has no common meaning: look into the log of that program",
          "此代码没有通用含义：请查看对方程序的日志") },
    { MK_FAILURE_LOST, ANY,
      SAY(CLOSED,
          "the connection was lost without a close: that program may have crashed or been killed, "
          "or a proxy on the way ends connections that are idle",
          "连接未经关闭即中断：对方程序可能已崩溃或被终止，或途中的代理会断开空闲的连接") },
    { MK_FAILURE_PING, ANY,
      SAY(SLOW,
          "it does not answer pings: that program is stuck, or the network on the way is down; "
          "RFC 6455 demands a pong",
          "对方不应答 ping：该程序卡住，或途中的网络中断；RFC 6455 要求应答 pong") },
    { MK_FAILURE_FRAMES, 1003, 1003, 0,
      SAY(PROTOCOL,
          "calls are text messages: is that a server for Milky's bots, and the right path?",
          "调用为文本消息：它是否是 Milky 的服务端，路径是否正确？") },
    { MK_FAILURE_FRAMES, 1009, 1009, 0,
      SAY(PROTOCOL,
          "its message is longer than is accepted: let it send shorter ones, or raise "
          "`limits.message_bytes`",
          "对方的消息超过可接受的长度：请让它发送更短的消息，或提高 `limits.message_bytes`") },
    { MK_FAILURE_FRAMES, ANY,
      SAY(PROTOCOL,
          "it sent what RFC 6455 forbids (the rule is above): that is to be mended in that "
          "program, "
          "or in the proxy before it",
          "对方发送了 RFC 6455 禁止的内容（见上面的规则）：需要在对方程序或其前面的代理中修正") },
    { MK_FAILURE_BEHIND, ANY,
      SAY(SLOW, "it does not read what it is sent: is that program stuck, or the network too slow?",
          "对方不读取发送给它的内容：该程序是否卡住，或网络过慢？") },

    /* --- of this machine --- */
    { MK_FAILURE_NO_MEMORY, ANY,
      SAY(HERE, "this machine is out of memory: see `milky status`, and the limits of the service",
          "本机内存不足：见 `milky status` 与服务的内存限制") },
    { MK_FAILURE_SYSTEM, ANY,
      SAY(HERE, "this machine fails as it says: see descriptors in `milky status`, and its log",
          "本机出现所示的错误：见 `milky status` 中的描述符数与日志") },
};

static bool fits(const struct row *row, const struct mk_failure *failure, unsigned traits)
{
    bool is_any = row->most == 0;
    return row->kind == failure->kind && (row->traits & ~traits) == 0 &&
           (is_any || (failure->status >= row->least && failure->status <= row->most));
}

const struct mk_advice *mk_advice_on(const struct mk_failure *failure, unsigned traits)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (fits(&rows[i], failure, traits))
            return &rows[i].advice;
    return &rows[0].advice; /* not reached: each kind has a row for any status */
}

const char *mk_trouble_name(enum mk_trouble trouble)
{
    static const char *const names[] = {
        [MK_TROUBLE_NONE] = "none",   [MK_TROUBLE_UNREACHABLE] = "unreachable",
        [MK_TROUBLE_NAME] = "name",   [MK_TROUBLE_TLS] = "tls",
        [MK_TROUBLE_TOKEN] = "token", [MK_TROUBLE_ADDRESS] = "address",
        [MK_TROUBLE_BUSY] = "busy",   [MK_TROUBLE_FAILING] = "failing",
        [MK_TROUBLE_SLOW] = "slow",   [MK_TROUBLE_PROTOCOL] = "protocol",
        [MK_TROUBLE_GONE] = "gone",   [MK_TROUBLE_CLOSED] = "closed",
        [MK_TROUBLE_HERE] = "here",
    };
    return names[trouble];
}
