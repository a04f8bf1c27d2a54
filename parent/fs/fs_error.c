#include "parent/fs/fs_io.h"

const char *fs_error_text(int error)
{
    switch ((enum fs_error)error) {
    case FS_OK:
        return "no error";
    case FS_NOT_FOUND:
        return "no such file or directory";
    case FS_EXISTS:
        return "a file or directory of this name exists already";
    case FS_NOT_DIRECTORY:
        return "not a directory";
    case FS_IS_DIRECTORY:
        return "this is a directory";
    case FS_NOT_EMPTY:
        return "the directory is not empty";
    case FS_BUSY:
        return "in use";
    case FS_BAD_NAME:
        return "not a valid name";
    case FS_INVALID:
        return "this cannot be done with these arguments";
    case FS_NO_SPACE:
        return "no space left on the volume";
    case FS_DIRECTORY_FULL:
        return "no room for another name in the directory";
    case FS_TOO_LARGE:
        return "larger than a file can be (4 GiB less one byte)";
    case FS_TOO_MANY_OPEN:
        return "too many files are open";
    case FS_READ_ONLY:
        return "the volume is read-only";
    case FS_DAMAGED:
        return "the volume is damaged";
    case FS_UNSUPPORTED:
        return "not a volume that can be used";
    case FS_IO:
        return "the device reported an error";
    }
    return "unknown error";
}
