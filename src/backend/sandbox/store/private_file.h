/*
 * private_file: files and folders that only the user of this process can read, whatever the umask.
 */
#ifndef SB_STORE_PRIVATE_FILE_H
#define SB_STORE_PRIVATE_FILE_H

/*
 * Makes an empty file for a database that is to be opened, with the mode 0600; or takes the access
 * of others from one that is there, and from the files that SQLite keeps beside it, and logs that.
 * Must not be called while this process has it open: that would end SQLite's locks. What cannot be
 * done is logged, or is an error of SQLite's next.
 */
void sb_private_database(const char *path);

/* The same for a folder that is there: 0700. */
void sb_private_folder(const char *path);

#endif
