namespace Onward.Formats;

/// <summary>Distinguishes kinds of <see cref="IOException"/>, which .NET throws for all faults of files.</summary>
public static class DiskFault
{
    /// <summary>True if the disk or the user's quota is full.</summary>
    /// <param name="fault">The fault.</param>
    public static bool IsFull(Exception fault)
    {
        ArgumentNullException.ThrowIfNull(fault);

        // ENOSPC; EDQUOT of Linux and of macOS; ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL of Windows.
        return fault is IOException && fault.HResult is 28 or 122 or 69 or unchecked((int)0x80070070) or unchecked((int)0x80070027);
    }

    /// <summary>True if another handle has the file locked.</summary>
    /// <param name="fault">The fault.</param>
    public static bool IsLocked(Exception fault)
    {
        ArgumentNullException.ThrowIfNull(fault);

        // EWOULDBLOCK of Linux and of macOS; ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION of Windows.
        return fault is IOException && fault.HResult is 11 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021);
    }

    /// <summary>Describes the fault in one sentence with a full stop.</summary>
    /// <param name="fault">The fault.</param>
    public static string Describe(Exception fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        return IsFull(fault) ? "the disk is full." : fault.Message.TrimEnd('.') + ".";
    }
}
