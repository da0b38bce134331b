namespace Onward.Data;

/// <summary>Progress of the download of one file.</summary>
/// <param name="File">Name of the file, without folder.</param>
/// <param name="Bytes">Number of bytes received so far.</param>
/// <param name="Total">Number of bytes of the whole file.</param>
public readonly record struct DownloadProgress(string File, long Bytes, long Total);
