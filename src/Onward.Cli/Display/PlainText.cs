using System.Text;

namespace Onward.Cli;

/// <summary>
/// The writer of everything that the command prints. It escapes control characters. <see cref="WriteLine(string)"/> also escapes line
/// breaks, so that names of files cannot break a line. <see cref="Write(string)"/> keeps line breaks.
/// </summary>
internal sealed class PlainText : TextWriter
{
    private readonly TextWriter _inner;
    private readonly bool _isResult;
    private readonly StatusLine _status;
    private readonly Func<int?> _width;
    private bool _isDropped;

    private PlainText(TextWriter inner, bool isResult, StatusLine status, Func<int?> width) =>
        (_inner, _isResult, _status, _width) = (inner, isResult, status, width);

    /// <summary>The width in columns of the terminal that shows the text, or null if the text goes to a file or pipe.</summary>
    internal int? Width => _width();

    /// <inheritdoc/>
    public override Encoding Encoding => _inner.Encoding;

    /// <summary>Creates the writer of results. Its methods throw if a result cannot be written.</summary>
    /// <exception cref="CommandFault">Thrown by every method that writes, if the result cannot be written.</exception>
    internal static PlainText OfResults(TextWriter inner, StatusLine status, Func<int?> width) => new(inner, isResult: true, status, width);

    /// <summary>Creates the writer of messages. If a message cannot be written, it and all later messages are dropped.</summary>
    internal static PlainText OfMessages(TextWriter inner, StatusLine status, Func<int?> width) =>
        new(inner, isResult: false, status, width);

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            _status.Clear();
            string[] lines = value.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n');
            string text = string.Join('\n', lines.Select(Printable.Escape));
            Send(writer => writer.Write(text));
        }
    }

    /// <inheritdoc/>
    public override void WriteLine() => WriteLine("");

    /// <inheritdoc/>
    public override void WriteLine(string? value)
    {
        _status.Clear();
        string line = Printable.Escape(value ?? "");
        foreach (string part in Width is int width && line.Length > width ? Printable.Wrap(line, width) : [line])
        {
            Send(writer => writer.WriteLine(part));
        }
    }

    /// <inheritdoc/>
    public override void Flush() => Send(writer => writer.Flush());

    /// <summary>Writes a text without escaping it.</summary>
    internal void WriteRaw(string text) => Send(writer => writer.Write(text));

    private void Send(Action<TextWriter> write)
    {
        if (_isDropped)
        {
            return;
        }

        try
        {
            write(_inner);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            _isDropped = true;
            if (_isResult)
            {
                throw new CommandFault(
                    $"standard output cannot be written: {fault.Message}. "
                    + "Use a reader that reads all output, or a file on a disk with free space.",
                    fault);
            }
        }
    }
}
