namespace Onward.Data;

/// <summary>
/// A data set is not on this machine and no mirror could supply it. The caller may use data that needs no network instead.
/// </summary>
public sealed class DownloadUnavailableException : Exception
{
    /// <summary>Creates the exception with its one-line message, which names each mirror tried and its fault.</summary>
    public DownloadUnavailableException(string message)
        : base(message)
    {
    }
}
