/* SPDX-License-Identifier: MIT */
/* Text files of procfs and sysfs: the whole text is made at the first read at position 0 and kept
 * in the open file, so that a reader with a small buffer sees one consistent text. Reading again
 * from 0 makes it anew. */
#include <fs/textfile.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define TEXT_FIRST 2048ul
#define TEXT_MAX (16ul << 20)

struct open_text {
	size_t len;
	struct mutex lock; /* LOCK_FILE_TEXT: text and buf when descriptors are shared */
	char *buf;
};

static int text_make(struct open_text *t, textfile_show *show, const void *arg)
{
	struct strbuf sb;
	char *buf;
	int rc;

	for (size_t size = TEXT_FIRST; size <= TEXT_MAX; size *= 4) {
		buf = kvmalloc(size, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
		sb_init(&sb, buf, size);
		rc = show(arg, &sb);
		if (rc == 0 && !sb.overflow) {
			kvfree(t->buf);
			t->buf = buf;
			t->len = sb.len;
			return 0;
		}
		kvfree(buf);
		if (rc)
			return rc;
	}
	return -EFBIG;
}

static int text_get(struct file *f, struct open_text **out)
{
	struct open_text *t = smp_load_acquire(&f->private), *old;

	if (!t) {
		t = kzalloc(sizeof(*t), GFP_KERNEL);
		if (!t)
			return -ENOMEM;
		mutex_init(&t->lock, LOCK_FILE_TEXT);
		old = cmpxchg((struct open_text **)&f->private, NULL, t);
		if (old) {
			kfree(t);
			t = old;
		}
	}
	*out = t;
	return 0;
}

ssize_t textfile_read(struct file *f, struct uio *u, loff_t *pos, textfile_show *show,
		       const void *arg)
{
	struct open_text *t;
	ssize_t rc;
	size_t n;

	rc = text_get(f, &t);
	if (rc)
		return rc;
	mutex_lock(&t->lock);
	if (*pos == 0 || !t->buf) {
		rc = text_make(t, show, arg);
		if (rc)
			goto out;
	}
	if (*pos < 0 || (size_t)*pos >= t->len)
		goto out;
	n = min(t->len - (size_t)*pos, u->count);
	rc = uio_write_to(u, t->buf + *pos, n);
	if (rc == 0 && n)
		rc = -EFAULT;
	else
		*pos += rc;
out:
	mutex_unlock(&t->lock);
	return rc;
}

void textfile_release(struct inode *inode __maybe_unused, struct file *f)
{
	struct open_text *t = f->private;

	if (t) {
		kvfree(t->buf);
		kfree(t);
		f->private = NULL;
	}
}

int textfile_import(struct uio *u, char **text, size_t *len)
{
	size_t n = u->count;
	char *buf;

	if (n > 4095)
		return -EINVAL;
	buf = kmalloc(n + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (uio_read_from(u, buf, n) != n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = '\0';
	*text = buf;
	*len = n;
	return 0;
}

loff_t textfile_llseek(struct file *f, loff_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return generic_llseek(f, off, whence);
}
