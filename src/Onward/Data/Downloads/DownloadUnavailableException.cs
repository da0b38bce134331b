namespace Onward.Data;

/// <summary>
/// A data set is not on this machine and no mirror could supply it: a caller may fall back on data that needs no network.
/// </summary>
public sealed class DownloadUnavailableException : Exception
{
    /// <summary>Makes the exception from its one-line message, which names each mirror tried and its fault.</summary>
    public DownloadUnavailableException(string message)
        : base(message)
    {
    }
}
