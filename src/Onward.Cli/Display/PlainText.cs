using System.Text;

namespace Onward.Cli;

/// <summary>
/// The edge of the command: all that is printed goes through here. A line given to <see cref="WriteLine(string)"/> is one line, whatever
/// names stand in it; only <see cref="Write(string)"/>, for the program's own texts, takes several.
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

    /// <summary>Columns of the terminal that the text goes to; null if it goes elsewhere.</summary>
    internal int? Width => _width();

    /// <inheritdoc/>
    public override Encoding Encoding => _inner.Encoding;

    /// <summary>Makes the writer of results. Where one cannot be written, the command ends.</summary>
    /// <exception cref="CommandFault">The result cannot be written; thrown by every method that writes.</exception>
    internal static PlainText OfResults(TextWriter inner, StatusLine status, Func<int?> width) => new(inner, isResult: true, status, width);

    /// <summary>Makes the writer of messages. Once one cannot be written, all are dropped and the command goes on.</summary>
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
            Send(
                writer => writer.Write(
                    string.Join('\n', value.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n').Select(Printable.Escape))));
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

    /// <summary>Writes what moves the cursor.</summary>
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
                    $"standard output cannot be written: {fault.Message}. Give it a file with room, or a reader that takes all of the result.",
                    fault);
            }
        }
    }
}
