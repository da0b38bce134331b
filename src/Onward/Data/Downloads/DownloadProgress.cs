namespace Onward.Data;

/// <summary>How far the download of one file has come.</summary>
/// <param name="File">Name of the file, without folder.</param>
/// <param name="Bytes">Bytes received so far.</param>
/// <param name="Total">Bytes the whole file has.</param>
public readonly record struct DownloadProgress(string File, long Bytes, long Total);
