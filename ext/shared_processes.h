/* Which of the processes that have an arena mapped still live. Part of shared_arena.h. */
#ifndef ALLCORES_SHARED_PROCESSES_H
#define ALLCORES_SHARED_PROCESSES_H

/* When a process started, in ticks since boot; 0 if there is none or it has ended (a zombie holds no memory). */
static uint64_t ac_start_of(uint32_t pid)
{
    char text[1024], *at;
    ssize_t got;
    int fd, field;
    snprintf(text, sizeof text, "/proc/%u/stat", pid);
    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    do
        got = read(fd, text, sizeof text - 1);
    while (got < 0 && errno == EINTR);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = 0;
    at = strrchr(text, ')'); /* the name before it may hold anything */
    if (!at || !at[1] || at[2] == 'Z' || at[2] == 'X')
        return 0;
    for (at += 2, field = 3; field < 22; field++) {
        at = strchr(at + 1, ' ');
        if (!at)
            return 0;
    }
    return strtoull(at, NULL, 10);
}

/* Whether a live process has the arena mapped: not one that closed its descriptor and executed another program. */
static int ac_maps(const ac_arena *a, uint32_t pid, int its_fd)
{
    char text[512], inode[32];
    struct stat st;
    FILE *file;
    int found = 0;
    snprintf(text, sizeof text, "/proc/%u/fd/%d", pid, its_fd);
    if (stat(text, &st) == 0 && (uint64_t)st.st_ino == a->inode)
        return 1;
    snprintf(text, sizeof text, "/proc/%u/maps", pid);
    snprintf(inode, sizeof inode, " %llu ", (unsigned long long)a->inode);
    file = fopen(text, "re");
    if (!file)
        return errno != ENOENT && errno != ESRCH; /* it may: not ours to see */
    while (!found && fgets(text, sizeof text, file))
        found = strstr(text, "allcores") && strstr(text, inode);
    fclose(file);
    return found;
}

static void ac_know_self(void)
{
    struct stat st;
    ac_started_at = ac_start_of((uint32_t)getpid());
    ac_names = stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/* In doubt it does: what a process has must not be given to another. */
static int ac_lives(const ac_arena *a, const ac_member *m)
{
    uint64_t started;
    if (m->state == AC_FORKING && ac_now_ns() - (int64_t)m->since < AC_FORK_NS)
        return 1;
    if (m->state == AC_FORKING)
        return 0;
    if (m->names != ac_names)
        return 1; /* its number means nothing here */
    started = ac_start_of(m->pid);
    if (!m->started || (!started && !ac_start_of((uint32_t)getpid()))) /* no /proc, or no descriptor left */
        return !(kill((pid_t)m->pid, 0) < 0 && errno == ESRCH);
    return started == m->started && ac_maps(a, m->pid, m->fd);
}

#endif
