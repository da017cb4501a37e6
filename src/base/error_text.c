/* error_text: see the header. */
#include "base/error_text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *english(int error)
{
#ifdef __GLIBC__
    const char *text = strerrordesc_np(error); /* strerror may use a shared buffer */
    return text ? text : "Unknown error";
#else
    return strerror(error); /* musl returns constant strings */
#endif
}

/* Those that sockets, files and processes end with. */
static const struct {
    int error;
    const char *zh;
} chinese[] = {
    { EPERM, "操作不允许" },
    { ENOENT, "没有那个文件或目录" },
    { EINTR, "系统调用被中断" },
    { EIO, "输入/输出错误" },
    { ENXIO, "没有那个设备或地址" },
    { E2BIG, "参数列表过长" },
    { EBADF, "错误的文件描述符" },
    { EAGAIN, "资源暂时不可用" },
    { ENOMEM, "内存不足" },
    { EACCES, "权限不够" },
    { EFAULT, "错误的地址" },
    { EBUSY, "设备或资源忙" },
    { EEXIST, "文件已存在" },
    { EXDEV, "不能跨文件系统移动" },
    { ENODEV, "没有那个设备" },
    { ENOTDIR, "不是目录" },
    { EISDIR, "是一个目录" },
    { EINVAL, "无效的参数" },
    { ENFILE, "系统打开的文件过多" },
    { EMFILE, "打开的文件过多" },
    { ETXTBSY, "文件正在被使用" },
    { EFBIG, "文件过大" },
    { ENOSPC, "设备上没有剩余空间" },
    { EROFS, "只读文件系统" },
    { EMLINK, "链接过多" },
    { EPIPE, "管道已断开" },
    { ERANGE, "数值超出范围" },
    { ENAMETOOLONG, "文件名过长" },
    { ENOLCK, "没有可用的锁" },
    { ENOSYS, "内核不支持此功能" },
    { ENOTEMPTY, "目录非空" },
    { ELOOP, "符号链接层数过多" },
    { EPROTO, "协议错误" },
    { EBADMSG, "无效的消息" },
    { EOVERFLOW, "数值过大" },
    { EILSEQ, "无效的字符编码" },
    { ENOTSOCK, "不是套接字" },
    { EMSGSIZE, "消息过长" },
    { EPROTONOSUPPORT, "不支持的协议" },
    { EOPNOTSUPP, "不支持的操作" },
    { EAFNOSUPPORT, "不支持的地址族" },
    { EADDRINUSE, "地址已在使用" },
    { EADDRNOTAVAIL, "无法使用该地址" },
    { ENETDOWN, "网络已关闭" },
    { ENETUNREACH, "网络不可达" },
    { ECONNABORTED, "连接已中止" },
    { ECONNRESET, "连接被对方重置" },
    { ENOBUFS, "缓冲区空间不足" },
    { EISCONN, "已连接" },
    { ENOTCONN, "未连接" },
    { ETIMEDOUT, "连接超时" },
    { ECONNREFUSED, "连接被拒绝" },
    { EHOSTDOWN, "主机已关闭" },
    { EHOSTUNREACH, "没有到主机的路由" },
    { EALREADY, "操作已在进行" },
    { EINPROGRESS, "操作正在进行" },
    { ESTALE, "过期的文件句柄" },
    { EDQUOT, "超出磁盘配额" },
    { ECANCELED, "操作已取消" },
};

const char *mk_error_text_in(enum mk_language language, int error)
{
    if (language == MK_CHINESE)
        for (size_t i = 0; i < sizeof(chinese) / sizeof(chinese[0]); i++)
            if (chinese[i].error == error)
                return chinese[i].zh;
    return english(error);
}

const char *mk_error_text(int error)
{
    return mk_error_text_in(mk_language_get(), error);
}
